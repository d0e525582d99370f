package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/bot/roster"
	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// deskStub is a record whose every answer a test decides. What is not decided is empty.
type deskStub struct {
	mu       sync.Mutex
	commands []workflows.Command
	do       func(context.Context, workflows.Command) (workflows.Reply, error)
	would    func(workflows.Command) error
	delegate func(workflows.Command, string, time.Time) (workflows.Reply, error)
	accounts []workflows.AccountInfo
	open     []workflows.Overview
	waiting  []workflows.Overview
	story    []workflows.StoryLine
	readers  map[string]bool
	states   map[string]workflows.State
	places   map[string]workflows.Place // workflow/person
	cards    map[string]workflows.Card  // workflow/person
	// delegated is whom people let decide in their place.
	delegated map[string]*approvals.Delegation
	fault     error // of every method but Do and Delegate
}

func (d *deskStub) Do(ctx context.Context, cmd workflows.Command) (workflows.Reply, error) {
	d.mu.Lock()
	d.commands = append(d.commands, cmd)
	do := d.do
	d.mu.Unlock()
	if do == nil {
		return workflows.Reply{Text: "Recorded."}, nil
	}
	return do(ctx, cmd)
}

func (d *deskStub) seen() []workflows.Command {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]workflows.Command(nil), d.commands...)
}

func (d *deskStub) Would(_ context.Context, cmd workflows.Command) error {
	if d.would == nil {
		return nil
	}
	return d.would(cmd)
}

func (d *deskStub) NewWorkflowID(machine, account string, seeds ...string) (string, error) {
	return workflows.NewID(machine[0], account, 16, seeds...), d.fault
}

func (d *deskStub) NamedWorkflowID(machine, account, name string) (string, error) {
	return workflows.NamedID(map[string]byte{"campaign": 'r', "packet": 'p'}[machine], account, 16, name), d.fault
}

func (d *deskStub) State(_ context.Context, id string) (workflows.State, error) {
	if s, ok := d.states[id]; ok {
		return s, d.fault
	}
	return nil, workflows.ErrNoWorkflow
}

func (d *deskStub) Accounts(context.Context) ([]workflows.AccountInfo, error) {
	return d.accounts, d.fault
}

func (d *deskStub) Account(_ context.Context, id string) (workflows.AccountInfo, error) {
	for _, a := range d.accounts {
		if a.Policy.ID == id {
			return a, d.fault
		}
	}
	return workflows.AccountInfo{}, d.fault
}

func (d *deskStub) Look(_ context.Context, id string) (workflows.Overview, error) {
	for _, o := range d.open {
		if o.ID == id {
			return o, d.fault
		}
	}
	return workflows.Overview{}, workflows.ErrNoWorkflow
}

func (d *deskStub) OpenOf(context.Context, string) ([]workflows.Overview, error) {
	return d.open, d.fault
}
func (d *deskStub) WaitingFor(context.Context, string) ([]workflows.Overview, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.waiting, d.fault
}
func (d *deskStub) Story(context.Context, string) ([]workflows.StoryLine, error) {
	return d.story, d.fault
}

func (d *deskStub) Delegate(_ context.Context, cmd workflows.Command, to string, until time.Time) (workflows.Reply,
	error) {
	if d.delegate == nil {
		return workflows.Reply{Text: "delegated to " + to}, nil
	}
	return d.delegate(cmd, to, until)
}

func (d *deskStub) Delegation(_ context.Context, person string) (*approvals.Delegation, error) {
	return d.delegated[person], d.fault
}

func (d *deskStub) Around(context.Context, string, ...string) (workflows.Facts, error) {
	return workflows.Facts{}, nil
}

func (d *deskStub) MayRead(_ context.Context, p workflows.Person, _ string) bool {
	return d.readers[p.ID]
}

func (d *deskStub) Place(_ context.Context, workflow, _, person string) (workflows.Place, bool, error) {
	p, ok := d.places[workflow+"/"+person]
	return p, ok, nil
}

func (d *deskStub) Card(_ context.Context, workflow, person string) (workflows.Card, string, bool, error) {
	c, ok := d.cards[workflow+"/"+person]
	return c, "transfer", ok, d.fault
}

var acme = workflows.AccountInfo{
	Policy: workflows.Policy{ID: "acme", Name: "Acme Production", Owner: "jane@acme.example", Token: true,
		Aliases: []workflows.Alias{{Email: "celigo@acme.example", Holders: []string{"UANA", "UBEN"},
			Custodians: []string{"UANA"}}}},
	State: workflows.AccountState{ID: "acme", Owner: "jane@acme.example"},
}

func testForm(_ context.Context, policies []workflows.Policy, chosen map[string]string, _ time.Time) workflows.Modal {
	account := chosen["account"]
	in := workflows.Input{Block: "account", Kind: workflows.InputSelect, Label: "Account", Initial: account}
	for _, p := range policies {
		in.Options = append(in.Options, workflows.Option{Value: p.ID, Label: p.Name})
	}
	return workflows.Modal{Callback: "transfer.request", Title: "Hand an account over", Submit: "Ask", Account: account,
		Action: "transfer.request",
		Round:  workflows.NoRound, Inputs: []workflows.Input{in,
			{Block: "new_owner_person", Kind: workflows.InputUser, Label: "Person", Optional: true},
			{Block: "reason", Kind: workflows.InputText, Label: "Reason", Multiline: true}}}
}

// rig is a workspace, a bot in it, and its record.
type rig struct {
	t    *testing.T
	sim  *slacksim.Server
	desk *deskStub
	bot  *Bot
	log  *lockedBuffer
	// limited are the calls that were answered with 429, as metrics hear of them.
	limited labels
	// introduced, when set, is Slack's answer to who we are.
	introduced atomic.Pointer[string]
	stop       func() error // ends Run and answers its error
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

const (
	simApp = "xapp-1-SECRETAPP"
	simBot = "xoxb-1-SECRETBOT"
)

// stopped makes a rig whose bot does not run.
func stopped(t *testing.T, opt slacksim.Options, change ...func(*Options)) *rig {
	t.Helper()
	opt.AppToken, opt.BotToken = simApp, simBot
	opt.Commands = []slacksim.SlashCommand{{Command: "/io", ShouldEscape: true}}
	s := slacksim.New(opt)
	for _, id := range []string{"UANA", "UBEN", "UCAT", "UDEE"} {
		s.AddUser(slacksim.User{ID: id, Name: strings.ToLower(id[1:]), RealName: id[1:],
			Email: strings.ToLower(id[1:]) + "@acme.example"})
	}
	s.AddUser(slacksim.User{ID: "UGUEST", Name: "guest", IsRestricted: true})
	s.AddUser(slacksim.User{ID: "UFOREIGN", Name: "foreign", TeamID: "T0OTHER"})
	s.AddChannel(slacksim.Channel{ID: "C0OPS", Name: "ops", ExtShared: true,
		Members: []string{"UANA", "UBEN", "UCAT", "UDEE", "UGUEST", "UFOREIGN", "U0BOT"}})
	r := &rig{t: t, sim: s, desk: &deskStub{accounts: []workflows.AccountInfo{acme}}, log: &lockedBuffer{}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if is := r.introduced.Load(); is != nil && req.URL.Path == "/api/auth.test" {
			_, _ = io.WriteString(w, *is)
			return
		}
		s.ServeHTTP(w, req)
	}))
	log := zerolog.New(r.log).Level(zerolog.DebugLevel)
	api, err := slackapi.New(slackapi.Options{AppToken: simApp, BotToken: simBot, URL: srv.URL + "/api", Log: log,
		Limited: r.limited.add})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{API: api, Command: "/io", Desk: r.desk, Now: time.Now, Forms: map[string]Form{"transfer": testForm},
		Log: log}
	for _, c := range change {
		c(&o)
	}
	o.People = roster.New(api, o.Now, o.RealNow)
	if r.bot, err = New(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		srv.Close()
		api.CloseIdleConnections()
		for _, secret := range []string{"SECRET", "ticket=", "/response/", "Hand Acme", "celigo@acme.example",
			"Jane leaves", "wrong mailbox"} {
			if log := r.log.String(); strings.Contains(log, secret) {
				t.Errorf("%q in the log:\n%s", secret, log)
			}
		}
	})
	return r
}

// as makes the workspace say who we are in other words.
func (r *rig) as(authTest string) { r.introduced.Store(&authTest) }

// running makes a rig whose bot is connected.
func running(t *testing.T, opt slacksim.Options, change ...func(*Options)) *rig {
	t.Helper()
	r := stopped(t, opt, change...)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.bot.Run(ctx) }()
	var once sync.Once
	var err error
	r.stop = func() error {
		once.Do(func() { cancel(); err = <-done })
		return err
	}
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	r.until(func(*slacksim.Snapshot) bool { return r.sim.Connections() > 0 })
	r.soon(r.bot.Connected)
	return r
}

func (r *rig) ctx() context.Context {
	ctx, cancel := context.WithTimeout(r.t.Context(), 10*time.Second)
	r.t.Cleanup(cancel)
	return ctx
}

// until waits for something to hold in the workspace.
func (r *rig) until(cond func(*slacksim.Snapshot) bool) {
	r.t.Helper()
	if err := r.sim.Wait(r.ctx(), cond); err != nil {
		r.t.Fatalf("waiting: %v\n%s", err, r.log.String())
	}
}

// soon polls for something that the workspace does not tell about.
func (r *rig) soon(cond func() bool) {
	r.t.Helper()
	poll(r.t, cond)
}

func poll(t *testing.T, cond func() bool) {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatal("it never held")
		}
	}
}

const someWorkflow = "t07-7KQ2M9XA"

func testCard(recipient string) workflows.Card {
	return workflows.Card{Name: "main", Recipient: recipient, Round: 3,
		Title: "Hand Acme Production to celigo@acme.example?",
		Lines: []string{"<@UDEE> asked."}, Facts: []string{"✓ nothing else pending"}, Note: "tr: `" + someWorkflow +
			"`", Fallback: "Confirm?",
		Buttons: []workflows.Button{{Action: "transfer.confirm", Label: "Confirm", Style: workflows.Primary},
			{Action: "transfer.refuse", Label: "Refuse…"}}}
}

func claimOf(card workflows.Card) workflows.Claim {
	return workflows.Claim{Effect: workflows.Effect{ID: someWorkflow + "/4/0", Workflow: someWorkflow, Account: "acme",
		Key: "card/" + someWorkflow + "/" + card.Name + "/" + card.Recipient, Made: time.Now(), Card: &card,
		Revision: 4, Machine: "transfer"}}
}

// lease counts how often it was held.
type leaseStub struct {
	mu   sync.Mutex
	held int
	err  error
}

func (l *leaseStub) Hold(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held++
	return l.err
}

// posted puts a card into somebody's direct message and answers where.
func (r *rig) posted(card workflows.Card) workflows.Place {
	r.t.Helper()
	out := r.bot.Deliver(r.ctx(), claimOf(card), &leaseStub{})
	if !out.Done {
		r.t.Fatalf("post: %+v", out)
	}
	return out.Place
}

// click presses a button of a posted card.
func (r *rig) click(user string, p workflows.Place, action string) slacksim.ActionResult {
	r.t.Helper()
	res, err := r.sim.Click(r.ctx(), user, p.Channel, p.TS, "transfer:3", action)
	if err != nil {
		r.t.Fatalf("click: %v (%+v)\n%s", err, res, r.log.String())
	}
	return res
}

// told waits for a private answer to a person that contains a text, and answers it.
func (r *rig) told(user, contains string) string {
	r.t.Helper()
	var found string
	r.until(func(n *slacksim.Snapshot) bool {
		for _, m := range n.AllMessages() {
			if (m.EphemeralTo == user || (m.Channel == n.DM(user) && m.EphemeralTo == "")) && strings.Contains(m.Text,
				contains) {
				found = m.Text
				return true
			}
		}
		return false
	})
	return found
}

func (r *rig) slash(user, text string) string {
	r.t.Helper()
	res, err := r.sim.SlashCommand(r.ctx(), user, "C0OPS", "/io", text)
	if err != nil {
		r.t.Fatalf("/io %s: %v\n%s", text, err, r.log.String())
	}
	return res.Text
}

func count(calls []slacksim.Call, method string) (n int) {
	for _, c := range calls {
		if c.Method == method {
			n++
		}
	}
	return n
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
