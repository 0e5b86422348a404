package network

// Keep lets the bytes of the request live on after the answer: their memory is left to the garbage collector instead of
// going to the next request. For an answer that goes out while the log still reads the records: a produce request whose
// time is up before they are durable. To be called before the answer.
func (x *Exchange) Keep() {
	if f := x.frame; f != nil {
		x.frame = &frame{budget: f.budget, charged: f.charged, overdraft: f.overdraft} // gives back the charge, not the bytes
	}
}
