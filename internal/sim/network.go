package sim

import "time"

// Network carries messages between numbered nodes. The zero probabilities make it a perfect one.
type Network struct {
	Sim               *Sim
	Drop, Double      float64
	MinDelay          time.Duration
	MaxDelay          time.Duration // messages overtake each other between the two
	cut               map[[2]int]bool
	delivered, failed int
}

// Send delivers a message later, once, twice, or never. A link is asked whether it is cut when the message leaves and again
// when it arrives.
func (n *Network) Send(from, to int, deliver func()) {
	times := 1
	switch {
	case n.Sim.Chance(n.Drop):
		times = 0
	case n.Sim.Chance(n.Double):
		times = 2
	}
	if n.Cut(from, to) {
		times = 0
	}
	if times == 0 {
		n.failed++
	}
	for range times {
		n.Sim.After(n.Sim.Between(n.MinDelay, n.MaxDelay), func() {
			if n.Cut(from, to) {
				n.failed++
				return
			}
			n.delivered++
			deliver()
		})
	}
}

// SetCut cuts a link in one direction, or mends it.
func (n *Network) SetCut(from, to int, cut bool) {
	if n.cut == nil {
		n.cut = map[[2]int]bool{}
	}
	n.cut[[2]int{from, to}] = cut
}

// Cut tells whether a link is cut.
func (n *Network) Cut(from, to int) bool { return n.cut[[2]int{from, to}] }

// Heal mends all links and makes the network perfect but for its delays.
func (n *Network) Heal() { n.cut, n.Drop, n.Double = nil, 0, 0 }

// Counts is how many messages arrived and how many did not.
func (n *Network) Counts() (delivered, lost int) { return n.delivered, n.failed }
