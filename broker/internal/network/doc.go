// Package network owns sockets: listeners, frames in, answers out in the order of their requests, and the memory that
// requests may take. It is given a [Handler], as net/http is; it reads headers and runs the guard of package wire, and
// never looks into a body.
//
// The way in: [New] binds the listeners, [Server.Run] serves until its context ends and returns when every goroutine
// that it started has ended. A handler gets an [Exchange] for each request and ends it in one of four ways.
//
// Each connection has one goroutine that reads and calls the handler. Answers that are ready when it is about to wait for
// bytes it writes itself, all in one system call; what gets ready while it waits is written by a second goroutine, which
// lives only as long as there is something to write. So an idle connection costs one goroutine and four kilobytes, and a
// request answered at once costs two system calls and no switch.
//
// Invariants:
//
//   - Answers leave in the order of the requests (APP-10), whatever order they get ready in.
//   - A declared length allocates nothing: buffers grow with the bytes that came, at most to their double (WIRE-4).
//   - The buffers of all requests together stay below Config.MaxQueuedBytes plus one request (WIRE-6, as KIP-72).
//   - Every wait for the peer has a deadline: idle, partial request, blocked write (WIRE-7).
//   - No lock is held during input, output or a call of the handler.
package network
