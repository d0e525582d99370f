package recovery

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/machinetest"
)

// TestTranscripts plays the stories in testdata.
func TestTranscripts(t *testing.T) {
	machinetest.Transcripts(t, "testdata/*.txt", func(t *testing.T) machinetest.Play {
		s := &script{t: t, w: newWorld(t)}
		return func(line string, words []string) []string {
			s.out, s.line = nil, line
			s.run(words)
			return s.out
		}
	})
}

type script struct {
	t    *testing.T
	w    *world
	line string
	out  []string
}

func (s *script) say(format string, args ...any) {
	for l := range strings.SplitSeq(fmt.Sprintf(format, args...), "\n") {
		if l == "" {
			l = "."
		}
		s.out = append(s.out, l)
	}
}

// run carries out one line:
//
//	owner EMAIL | quorum N | lists Ana,Ben+Eve | quiet NAMES | it NAMES | token yes | standing NAME CODE
//	report NAME SITUATION [WORDS]     click NAME ACTION [WORDS]     tick NAME POINT...
//	delegate FROM TO                  wait SPAN                     signed-in SPAN-AGO | signed-in never
//	card NAME...                      lock
func (s *script) run(words []string) {
	w, a := s.w, words[1:]
	rest := func(n int) string { return strings.Join(a[n:], " ") }
	switch words[0] {
	case "owner":
		w.owner(a[0])
	case "quorum":
		w.Policy.Recovery.Quorum, _ = strconv.Atoi(a[0])
	case "lists":
		w.Policy.Recovery.Approvers, w.Policy.Recovery.Lists = nil, nil
		for list := range strings.SplitSeq(a[0], "+") {
			w.Policy.Recovery.Lists = append(w.Policy.Recovery.Lists, ids(list))
			w.Policy.Recovery.Approvers = workflows.Union(w.Policy.Recovery.Approvers, ids(list))
		}
	case "quiet":
		w.Policy.Quiet = ids(a[0])
	case "it":
		w.Policy.Recovery.IT = ids(strings.Join(a, ""))
	case "token":
		w.Policy.Token = a[0] == "yes"
	case "standing":
		p := w.People[machinetest.UserID(a[0])]
		p.Standing = strings.Join(a[1:], "")
		w.People[p.ID] = p
	case "delegate":
		w.Delegations = append(w.Delegations, approvals.Delegation{From: machinetest.UserID(a[0]),
			To: machinetest.UserID(a[1]), Since: w.Now})
		s.tell(w.Do(workflows.Command{Name: workflows.CmdDelegated, Actor: workflows.Actor{Kind: workflows.ByKeyholder},
			Round: workflows.NoRound}))
	case "report":
		reason := rest(2)
		if reason == "" {
			reason = "The mailbox bounces since Friday"
		}
		s.answer(a[0], w.report(a[0], a[1], reason))
	case "click":
		var text []string
		if len(a) > 2 {
			text = []string{rest(2)}
		}
		s.answer(a[0], w.click(a[0], a[1], text...))
	case "tick":
		s.answer(a[0], w.click(a[0], "settle", a[1:]...))
	case "wait":
		s.tell(w.wait(s.span(a[0]))...)
	case "signed-in":
		s.signedIn(a[0])
	case "card":
		for _, name := range a {
			s.card(name)
		}
	case "lock":
		s.say("%s", w.Account.Locks[workflows.LockRecovery])
	default:
		s.t.Fatalf("no command %q", words[0])
	}
}

func ids(list string) (out []string) {
	for name := range strings.SplitSeq(list, ",") {
		if name != "" {
			out = append(out, machinetest.UserID(name))
		}
	}
	return out
}

func (s *script) span(word string) time.Duration {
	if days, found := strings.CutSuffix(word, "d"); found {
		if n, err := strconv.Atoi(days); err == nil {
			return time.Duration(n) * 24 * time.Hour
		}
	}
	d, err := time.ParseDuration(word)
	if err != nil {
		s.t.Fatalf("%s: %v", s.line, err)
	}
	return d
}

// signedIn answers the reading of the audit log.
func (s *script) signedIn(ago string) {
	call := s.w.Calls[len(s.w.Calls)-1]
	r := workflows.Receipt{Op: call.Op, OK: true, SignIns: &workflows.SignIns{Since: call.Since}}
	if ago != "never" {
		r.SignIns.Entries = []workflows.SignIn{{ID: "1", At: s.w.Now.Add(-s.span(ago))}}
	}
	s.tell(s.w.Do(workflows.Command{Name: workflows.CmdReceipt, Actor: workflows.Actor{Kind: workflows.ByIntegrator},
		Receipt: &r, Round: workflows.NoRound}))
}

func (s *script) answer(who string, d did) {
	if d.Code() != "" {
		s.say("%s is told (%s): %s", who, d.Code(), s.w.Read(strings.TrimPrefix(d.Err.Error(), d.Code()+": ")))
	}
	if d.Reply.Text != "" {
		s.say("%s is told: %s", who, s.w.Read(d.Reply.Text))
	}
	if m := d.Reply.Modal; m != nil {
		s.say("%s gets a form %s “%s”", who, m.Callback, m.Title)
		for _, l := range m.Intro {
			s.say("  %s", strings.ReplaceAll(s.w.Read(l), "\n", "\n  "))
		}
		for _, in := range m.Inputs {
			s.say("  %s (%s)%s %s", in.Label, in.Block, map[bool]string{true: ", optional", false: ""}[in.Optional],
				in.Initial)
			for _, o := range in.Options {
				s.say("    [ ] %s", o.Label)
			}
		}
	}
	s.tell(d)
}

func (s *script) tell(all ...did) {
	for _, d := range all {
		if len(d.Events) == 0 {
			continue
		}
		at := d.Events[0].At.Format("Mon 15:04")
		if at != s.w.Now.Format("Mon 15:04") {
			s.say("(%s)", at)
		}
		for _, e := range d.Events {
			s.say("%s", s.w.Read(Machine().Tell(e)))
		}
		var who []string
		for _, c := range d.Fresh {
			name := s.name(c.Recipient)
			if c.Name != cardMain {
				name += " (" + c.Name + ")"
			}
			who = append(who, name)
		}
		if len(who) > 0 {
			s.say("new: %s", strings.Join(who, ", "))
		}
	}
	if n := len(all); n > 0 && all[n-1].Before.StageName() != s.w.State.StageName() || n == 0 && false {
		s.stage()
	}
	if len(s.out) == 0 {
		s.say("nothing changes")
	}
}

func (s *script) stage() {
	out := "== " + s.w.State.StageName()
	if len(s.w.View.Waiting) > 0 {
		out += ", waits for " + s.w.Read(workflows.Mentions(s.w.View.Waiting))
	}
	for _, t := range s.w.View.Timers {
		out += "; " + t.Name + " " + t.At.Format("Mon 15:04")
	}
	s.say("%s", out)
}

func (s *script) name(recipient string) string {
	if recipient == s.w.Policy.Channel {
		return "#ops"
	}
	return s.w.People[recipient].Name
}

func (s *script) card(name string) {
	for _, c := range s.w.View.Cards {
		if s.name(c.Recipient) != name || c.Under != "" {
			continue
		}
		s.say("%s, notified: %s", name, s.w.Read(c.Fallback))
		for _, l := range slices.Concat([]string{"*" + c.Title}, c.Lines, c.Facts) {
			s.say("  %s", strings.ReplaceAll(s.w.Read(l), "\n", "\n  "))
		}
		var buttons []string
		for _, b := range c.Buttons {
			buttons = append(buttons, "["+b.Label+"]")
		}
		if len(buttons) > 0 {
			s.say("  %s", strings.Join(buttons, " "))
		}
		for _, l := range c.Details {
			s.say("  > %s", strings.ReplaceAll(s.w.Read(l), "\n", "\n  > "))
		}
	}
}
