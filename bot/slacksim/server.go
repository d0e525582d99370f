package slacksim

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Server is a Slack workspace with one app installed. It is an http.Handler; every method may be
// called at any time from any goroutine. Close it when done.
type Server struct {
	opt  Options
	stop chan struct{} // closed by Close
	wg   sync.WaitGroup
	mux  *http.ServeMux

	mu      sync.Mutex
	closed  bool
	base    string // public scheme://host, "" = derive from the request
	guessed string // scheme://host of the last request, used while base is ""
	rng     *rand.Rand
	ids     map[string]bool
	lastTS  int64
	changed chan struct{} // closed and replaced at every change
	version uint64

	users                               map[string]*User
	channels                            map[string]*Channel
	groups                              map[string]*UserGroup
	userOrder, channelOrder, groupOrder []string
	dms                                 map[string]string // user -> channel
	messages                            map[string][]*Message
	messageState                        map[string]obj // channel/ts/user -> state.values
	files                               map[string]*File
	canvases                            map[string]*Canvas
	canvasOrder                         []string
	scheduled                           []*scheduledMessage
	schedulerOn                         bool

	stacks    map[string][]*view // user -> open modals, the visible one last
	homes     map[string]*view
	triggers  map[string]*trigger
	responses map[string]*responseURL

	tickets     map[string]time.Time
	conns       []*connection
	connSeq     int
	pending     map[string]*pendingAck
	acks        []Ack
	rules       []*activeRule
	ruleSeq     int
	messagesOff bool // the Messages tab of the home is switched off
	calls       []Call
	callSeq     int
	buckets     map[string]*bucket
	dice        dice
	verified    string // the deprecated verification token of payloads

	journal   journal           // what the page is told, see journal.go
	traffic   traffic           // what went to the app, see traffic.go
	readMarks map[string]string // user/channel -> timestamp up to which the page showed it
}

// New makes a workspace. The app's bot user and Slackbot exist from the start.
func New(o Options) *Server {
	o = o.withDefaults()
	s := &Server{
		opt: o, stop: make(chan struct{}), changed: make(chan struct{}),
		rng: rand.New(rand.NewPCG(o.Seed, 0x51ac)), ids: map[string]bool{},
		users: map[string]*User{}, channels: map[string]*Channel{}, groups: map[string]*UserGroup{},
		dms: map[string]string{}, messages: map[string][]*Message{}, messageState: map[string]obj{},
		files: map[string]*File{}, canvases: map[string]*Canvas{},
		stacks: map[string][]*view{}, homes: map[string]*view{}, triggers: map[string]*trigger{},
		responses: map[string]*responseURL{},
		tickets:   map[string]time.Time{}, pending: map[string]*pendingAck{}, buckets: map[string]*bucket{},
		readMarks: map[string]string{},
	}
	s.dice = newDice(o.Seed)
	s.verified = s.newID("", 24)
	s.AddUser(User{ID: "USLACKBOT", Name: "slackbot", RealName: "Slackbot"})
	s.AddUser(User{ID: o.BotUserID, Name: o.BotName, RealName: o.BotName, IsBot: true})
	for _, r := range o.Faults.Rules {
		s.InjectFault(r)
	}
	s.routes()
	return s
}

func (s *Server) routes() {
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("/api/", s.serveAPI)
	s.mux.HandleFunc("/link/", s.serveLink)
	s.mux.HandleFunc("/files/", s.serveFiles)
	s.mux.HandleFunc("GET /files-pri/", s.servePrivate)
	s.mux.HandleFunc("/response/", s.serveResponse)
	s.mux.HandleFunc("/services/", s.serveWebhook)
	s.mux.HandleFunc("GET /avatars/", servePicture)
	s.mux.Handle("/_sim/", s.control())
	if s.opt.Panel != nil {
		s.mux.Handle("/_panel/", http.StripPrefix("/_panel", s.opt.Panel))
	}
	s.mux.Handle("/", page(s.opt.PanelURL))
}

// ServeHTTP serves /api/<method>, /link/ (Socket Mode), /files/, /files-pri/ and /avatars/,
// /response/ and /services/ (incoming webhooks), /_sim/ (control), /_panel/ and the page at /.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// SetPublicURL sets the scheme://host that is put into the addresses given out (sockets, uploads,
// response_url). Without it they carry the Host of the request that caused them, or of the app's
// last request.
func (s *Server) SetPublicURL(base string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.base = strings.TrimSuffix(base, "/")
}

// Close drops every connection and waits for the server's own goroutines. Requests that hang by a fault are let go.
func (s *Server) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	close(s.stop)
	conns := s.conns
	s.conns = nil
	s.touch()
	s.mu.Unlock()
	for _, c := range conns {
		c.kill()
	}
	s.wg.Wait()
}

// spawn runs f as a goroutine that Close waits for. It must be called with the lock held.
func (s *Server) spawn(f func()) {
	if s.closed {
		return
	}
	s.wg.Go(f)
}

// sleep waits d of real time; false when the server was closed meanwhile.
func (s *Server) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.stop:
		return false
	}
}

// touch tells everyone who waits that something changed. It must be called with the lock held.
func (s *Server) touch() {
	s.version++
	close(s.changed)
	s.changed = make(chan struct{})
}

// TimeMoved says that Options.Now has jumped, so that pages show the new time at once.
func (s *Server) TimeMoved() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.touch()
}

// watch returns the current version and a channel that is closed at the next change.
func (s *Server) watch() (uint64, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version, s.changed
}

// Snapshot is what Wait shows to its condition. Its methods read the server at the time they are called, each one
// consistent in itself.
type Snapshot struct {
	s       *Server
	Version uint64 // grows with every change
}

// Messages is Server.Messages.
func (n *Snapshot) Messages(channel string) []Message { return n.s.Messages(channel) }

// AllMessages is Server.AllMessages.
func (n *Snapshot) AllMessages() []Message { return n.s.AllMessages() }

// DM is Server.DM.
func (n *Snapshot) DM(user string) string { return n.s.DM(user) }

// Views is Server.Views.
func (n *Snapshot) Views(user string) []View { return n.s.Views(user) }

// Home is Server.Home.
func (n *Snapshot) Home(user string) (View, bool) { return n.s.Home(user) }

// Calls is Server.Calls.
func (n *Snapshot) Calls() []Call { return n.s.Calls() }

// Acks is Server.Acks.
func (n *Snapshot) Acks() []Ack { return n.s.Acks() }

// Connections is Server.Connections.
func (n *Snapshot) Connections() int { return n.s.Connections() }

// Wait returns nil as soon as cond holds. cond is evaluated at once and again after each change, without the server's
// lock, so it may call the server. The error is the context's, or http.ErrServerClosed.
func (s *Server) Wait(ctx context.Context, cond func(*Snapshot) bool) error {
	for {
		version, changed := s.watch()
		if cond(&Snapshot{s: s, Version: version}) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.stop:
			return http.ErrServerClosed
		}
	}
}

// Messages returns a channel's messages in the order they were sent, deleted and ephemeral ones included.
func (s *Server) Messages(channel string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var l []Message
	for _, m := range s.messages[channel] {
		l = append(l, m.copy())
	}
	return l
}

// AllMessages returns the messages of every channel and direct message.
func (s *Server) AllMessages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var l []Message
	for _, id := range s.channelOrder {
		for _, m := range s.messages[id] {
			l = append(l, m.copy())
		}
	}
	return l
}

func (m *Message) copy() Message {
	c := *m
	c.Reactions = append([]Reaction(nil), m.Reactions...)
	c.Files = append([]File(nil), m.Files...)
	return c
}

// DM returns the id of the app's direct message with that user, "" if there is none.
func (s *Server) DM(user string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dms[user]
}

// Call is one request to the Web API.
type Call struct {
	ID       int             `json:"id"`
	Time     time.Time       `json:"time"` // real time at which it arrived
	Method   string          `json:"method"`
	HTTP     string          `json:"http"`   // GET or POST
	Args     map[string]any  `json:"args"`   // without the token; JSON strings are left as they came
	Token    string          `json:"token"`  // app, bot, none or other: which token was used, never the token
	Status   int             `json:"status"` // HTTP status; 0 when the connection was cut
	OK       bool            `json:"ok"`
	Error    string          `json:"error,omitempty"`
	Response json.RawMessage `json:"response,omitempty"`
	Fault    FaultKind       `json:"fault,omitempty"`
	Done     bool            `json:"done"`              // the answer was sent or the connection cut
	Took     time.Duration   `json:"took_ns,omitempty"` // real time from arrival to the answer, once it is done
}

// keep bounds the memory of calls and acks: at least that many of the newest are remembered.
const keep = 50_000

// newest forgets the older half of a list that has grown to twice what is kept.
func newest[T any](l []T) []T {
	if len(l) < 2*keep {
		return l
	}
	return append([]T(nil), l[len(l)-keep:]...)
}

// Calls returns the requests to the Web API in the order they arrived (at least the last 50 000).
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call(nil), s.calls...)
}

// obj is a JSON object as the wire has it.
type obj = map[string]any

func asList(v any) []any { l, _ := v.([]any); return l }

func asObj(v any) obj { o, _ := v.(obj); return o }

func asString(v any) string { s, _ := v.(string); return s }

// sorted walks an object in the order of its keys, so that answers are the same on every run.
func sorted(o obj) iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for _, k := range slices.Sorted(maps.Keys(o)) {
			if !yield(k, o[k]) {
				return
			}
		}
	}
}

// encode is json.Marshal for values made here, without turning <, > and & into escapes.
func encode(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("slacksim: encode: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// decode reads any JSON value; nil when it is none.
func decode(raw json.RawMessage) any {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return nil
	}
	return v
}

// clone copies a JSON value deeply.
func clone[T any](v T) T {
	var out T
	if json.Unmarshal(encode(v), &out) != nil {
		return v
	}
	return out
}
