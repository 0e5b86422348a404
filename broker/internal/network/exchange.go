package network

// CONTRACT (written first, so that the rooms above can be built beside this one).
//
//	type Handler interface {
//		// Handle is called with the requests of one connection in order, from its reading goroutine. It returns soon:
//		// what waits answers later, from any goroutine. Responses leave in request order.
//		Handle(x *Exchange)
//	}
//	type Exchange struct { Request wire.Request; Conn *Conn }
//	func (x *Exchange) Context() context.Context             // ends with the connection
//	func (x *Exchange) Respond(r kmsg.Response)               // exactly one of Respond, RespondRaw, Skip, Close, exactly once
//	func (x *Exchange) RespondRaw(body net.Buffers, release func()) // body behind the response header, already encoded; release after the write
//	func (x *Exchange) Skip()                                 // acks=0: no frame. The request's bytes are free from here on
//	func (x *Exchange) Close(reason error)                    // hang up, counted and logged once
//	// Request.Body (and every slice of it) is valid until one of those four is called.
//	type Conn: ListenerName, RemoteAddr, LocalAddr, SoftwareName/Version (set by api), ID string, a place for a session (any)
//	func New(cfg Config, h Handler) (*Server, error); (*Server).Run(ctx) error; Addr(listener string) net.Addr
