package slacksim

import (
	"bufio"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"sync"
)

// frameWatch sees the bytes a WebSocket client sends and remembers for each message whether it came in several frames.
// gorilla/websocket joins continuation frames silently, and Slack does not accept them in acks
// (comments in slack-go's socketmode source).
type frameWatch struct {
	mu         sync.Mutex
	header     []byte
	skip       uint64 // bytes of payload still to come
	fragmented bool   // the message under way has more than one frame
	messages   []bool
}

// see parses the frame headers (RFC 6455, section 5.2) in b.
func (f *frameWatch) see(b []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(b) > 0 {
		if f.skip > 0 {
			n := min(f.skip, uint64(len(b)))
			f.skip -= n
			b = b[n:]
			continue
		}
		f.header = append(f.header, b[0])
		b = b[1:]
		if f.headerComplete() {
			f.endHeader()
		}
	}
}

func (f *frameWatch) headerComplete() bool {
	if len(f.header) < 2 {
		return false
	}
	need := 2
	switch f.header[1] & 0x7f {
	case 126:
		need += 2
	case 127:
		need += 8
	}
	if f.header[1]&0x80 != 0 {
		need += 4
	}
	return len(f.header) == need
}

func (f *frameWatch) endHeader() {
	final, opcode := f.header[0]&0x80 != 0, f.header[0]&0x0f
	switch n := f.header[1] & 0x7f; n {
	case 126:
		f.skip = uint64(binary.BigEndian.Uint16(f.header[2:]))
	case 127:
		f.skip = binary.BigEndian.Uint64(f.header[2:])
	default:
		f.skip = uint64(n)
	}
	f.header = f.header[:0]
	if opcode >= 8 { // a control frame may stand between the frames of a message
		return
	}
	if !final {
		f.fragmented = true
		return
	}
	f.messages = append(f.messages, f.fragmented)
	f.fragmented = false
}

// next says whether the next message in order was fragmented.
func (f *frameWatch) next() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.messages) == 0 {
		return false
	}
	first := f.messages[0]
	f.messages = f.messages[1:]
	return first
}

// watchFrames wraps w so that the connection taken over from it reports to the returned frameWatch.
func watchFrames(w http.ResponseWriter) (http.ResponseWriter, *frameWatch) {
	f := &frameWatch{}
	return &hijackWatch{ResponseWriter: w, frames: f}, f
}

type hijackWatch struct {
	http.ResponseWriter
	frames *frameWatch
}

func (h *hijackWatch) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	if rw.Reader.Buffered() > 0 { // frames before the handshake was answered, which RFC 6455 forbids
		_ = conn.Close() // it is given up either way
		return nil, nil, errEarlyData
	}
	wrapped := &watchedConn{Conn: conn, frames: h.frames}
	return wrapped, bufio.NewReadWriter(bufio.NewReader(wrapped), bufio.NewWriter(wrapped)), nil
}

var errEarlyData = errors.New("client sent data before the handshake ended")

type watchedConn struct {
	net.Conn
	frames *frameWatch
}

func (c *watchedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.frames.see(b[:n])
	return n, err
}
