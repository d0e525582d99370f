package transfer

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/machinetest"
)

// TestTranscripts plays the stories in testdata; the commands are those of script.commands below.
func TestTranscripts(t *testing.T) {
	machinetest.Transcripts(t, "testdata/*.txt", func(t *testing.T) machinetest.Play {
		s := &script{t: t, w: newWorld(t)}
		return func(line string, words []string) []string {
			do, known := s.commands()[words[0]]
			if !known {
				t.Fatalf("no command %q", words[0])
			}
			s.out, s.line = nil, line
			do(words[1:])
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

// commands are what a script can say.
func (s *script) commands() map[string]func([]string) {
	w := s.w
	return map[string]func([]string){
		// policy quorum=1 token=no on_errors=warn ...: the configuration, before a request or in the middle.
		"policy": func(a []string) {
			for _, kv := range a {
				s.configure(kv)
			}
		},
		// owner EMAIL: who owns the account at first.
		"owner": func(a []string) { w.owner(a[0]) },
		// standing NAME [CODE]: what Slack says of a person.
		"standing": func(a []string) { w.Stand(a[0], strings.Join(a[1:], "")) },
		// email NAME ADDRESS [unconfirmed]: the address that Slack shows of a person.
		"email": func(a []string) {
			p := w.People[machinetest.UserID(a[0])]
			p.Email, p.EmailConfirmed, p.Unconfirmed = a[1], len(a) < 3, ""
			if len(a) > 2 {
				p.Email, p.Unconfirmed = "", a[1]
			}
			w.People[p.ID] = p
		},
		// delegate FROM TO SPAN
		"delegate": func(a []string) { s.tell(w.delegate(a[0], a[1], s.span(a[2]))...) },
		// request NAME to=mailbox|NAME reason=... role=...
		"request": s.request,
		// click NAME ACTION [REASON] [round=N]: the button, and the form if it opens one and a reason is given.
		"click": func(a []string) {
			round := w.newest().state.Round
			a = slices.DeleteFunc(a, func(x string) bool {
				n, found := strings.CutPrefix(x, "round=")
				if found {
					round, _ = strconv.Atoi(n)
				}
				return found
			})
			s.answer(a[0], w.clickAt(round, a[0], a[1], a[2:]...))
		},
		// send NAME ACTION TEXT: the form of this round.
		"send": func(a []string) {
			s.answer(a[0], w.submit(a[0], a[1], w.newest().state.Round, strings.ReplaceAll(a[2], "|", "\n")))
		},
		// call [lost|failed|unsure|refused CODE WORDS]: the first call in the queue is made.
		"call": func(a []string) { s.tell(w.deliver(strings.Join(a, " "))) },
		// calls: all of them, and those they lead to.
		"calls": func([]string) { s.tell(w.deliverAll()...) },
		// look: the watches look once.
		"look": func([]string) { s.tell(w.poll()...) },
		// wait SPAN
		"wait": func(a []string) { s.tell(w.wait(s.span(a[0]))...) },
		// io ...: something happens at integrator.io.
		"io": s.outside,
		// card NAME...: what they see. "#ops" is the channel.
		"card": s.card,
		// proofs: what the account's record has of who can use the new owner's sign-in.
		"proofs": func([]string) {
			for _, p := range w.Account.Key.Proofs {
				s.say("%s: %s, %s (%s, by %s)", p.Owner, w.People[p.Person].Name, p.What, p.How, p.By)
			}
			if len(w.Account.Key.Proofs) == 0 {
				s.say("nothing is proven")
			}
		},
		// queue: the calls that wait.
		"queue": func([]string) {
			for _, e := range w.queue {
				s.say("%s", describe(*e.Call))
			}
		},
	}
}

func (s *script) span(word string) time.Duration {
	if days, found := strings.CutSuffix(word, "d"); found {
		n, err := strconv.Atoi(days)
		if err == nil {
			return time.Duration(n) * 24 * time.Hour
		}
	}
	d, err := time.ParseDuration(word)
	if err != nil {
		s.t.Fatalf("%s: %v", s.line, err)
	}
	return d
}

func (s *script) configure(kv string) {
	k, v, _ := strings.Cut(kv, "=")
	p := &s.w.Policy
	ids := func() (out []string) {
		for name := range strings.SplitSeq(v, ",") {
			out = append(out, machinetest.UserID(name))
		}
		return out
	}
	switch k {
	case "quorum":
		p.Transfer.Quorum, _ = strconv.Atoi(v)
	case "token":
		p.Token = v == "yes"
	case "on_errors":
		p.Transfer.OnErrors = v
	case "on_shared":
		p.Transfer.OnShared = v
	case "confirm_within":
		p.Transfer.ConfirmWithin = s.span(v)
	case "approvers":
		p.Approvers = ids()
	case "quiet":
		p.Quiet = ids()
	case "lists": // Ana,Ben+Dee: somebody of each
		p.Approvers, p.Lists = nil, nil
		for list := range strings.SplitSeq(v, "+") {
			var of []string
			for name := range strings.SplitSeq(list, ",") {
				of = append(of, machinetest.UserID(name))
			}
			p.Lists, p.Approvers = append(p.Lists, of), workflows.Union(p.Approvers, of)
		}
	case "holders":
		p.Aliases[0].Holders = ids()
	default:
		s.t.Fatalf("%s: no setting %q", s.line, k)
	}
}

func (s *script) request(a []string) {
	in := map[string]string{BlockAccount: "acme", BlockReason: "Jane leaves on 5 December"}
	for _, kv := range a[1:] {
		k, v, _ := strings.Cut(kv, "=")
		switch k {
		case "to":
			if v == "mailbox" {
				in[BlockAlias] = mailbox
			} else {
				in[BlockPerson] = machinetest.UserID(v)
			}
		case "reason":
			in[BlockReason] = v
		case "role":
			in[BlockRole] = v
		default:
			s.t.Fatalf("%s: no field %q", s.line, k)
		}
	}
	s.answer(a[0], s.w.request(a[0], in))
}

func (s *script) outside(a []string) {
	o := s.w.out
	rest := func(n int) string { return strings.Join(a[n:], " ") }
	switch a[0] {
	case "joins":
		o.join(a[1], RoleMonitor)
	case "leaves":
		o.remove(a[1])
	case "renames":
		o.user(a[1]).Email = a[2]
	case "switches-off":
		o.user(a[1]).Disabled = true
	case "switches-on":
		o.user(a[1]).Disabled = false
	case "accepts":
		if !o.accept() {
			s.t.Fatalf("%s: there is no invitation", s.line)
		}
	case "declines":
		o.pending().Dismissed = true
	case "deletes":
		o.transfers = nil
	case "invites":
		o.invite(a[1])
	case "errors":
		o.errors = nil
		if len(a) > 1 {
			n, _ := strconv.Atoi(a[1])
			o.errors = []workflows.Count{{ID: "i1", Name: rest(2), N: n}}
		}
	case "shared":
		o.shared = []workflows.Resource{{Kind: "connection", ID: "k1", Name: rest(2), On: a[1] == "on"}}
	case "forbids":
		o.forbidden[a[1]] = true
	case "elsewhere":
		o.elsewhere[a[1]] = true
	case "nowhere-else":
		delete(o.elsewhere, a[1])
	case "full":
		o.full = a[1] == "yes"
	case "token":
		o.token = a[1] == "yes"
	case "away":
		s.w.away = true
	case "back":
		s.w.away = false
	case "sso":
		o.sso = a[1] == "yes"
	default:
		s.t.Fatalf("%s: integrator.io knows no %q", s.line, a[0])
	}
}

// answer shows what a person's command led to.
func (s *script) answer(who string, st step) {
	if st.code() != "" {
		s.say("%s is told (%s): %s", who, st.code(), s.w.read(strings.TrimPrefix(st.err.Error(), st.code()+": ")))
	}
	if st.reply.Text != "" {
		s.say("%s is told: %s", who, s.w.read(st.reply.Text))
	}
	if m := st.reply.Modal; m != nil {
		s.say("%s gets a form “%s”", who, m.Title)
		for _, l := range m.Intro {
			s.say("  %s", strings.ReplaceAll(s.w.read(l), "\n", "\n  "))
		}
		for _, in := range m.Inputs {
			s.say("  %s (%s)%s", in.Label, in.Block, map[bool]string{true: ", optional", false: ""}[in.Optional])
			for _, o := range in.Options {
				s.say("    [ ] %s", o.Label)
			}
		}
	}
	s.tell(st)
}

// tell shows events, calls, new cards and the stage.
func (s *script) tell(steps ...step) {
	shown := 0
	for _, st := range steps {
		if len(st.events) == 0 {
			continue
		}
		shown++
		at := st.events[0].At.Format("Mon 15:04")
		if at != s.w.Now.Format("Mon 15:04") {
			s.say("(%s)", at)
		}
		for _, e := range st.events {
			s.say("%s", s.w.read(kinds.Tell(e)))
		}
		for _, c := range st.calls {
			s.say("-> %s", describe(c))
		}
		if len(st.cards) > 0 {
			var who []string
			for _, c := range st.cards {
				name := s.name(c.Recipient)
				if c.Name != cardMain {
					name += " (" + c.Name + ")"
				}
				who = append(who, name)
			}
			s.say("new: %s", strings.Join(who, ", "))
		}
		if st.before.Stage != st.after.Stage {
			s.say("%s", s.stage(st))
		}
	}
	if shown == 0 && len(s.out) == 0 {
		s.say("nothing changes")
	}
}

func (s *script) name(recipient string) string {
	if recipient == channel {
		return "#ops"
	}
	return s.w.People[recipient].Name
}

func (s *script) stage(r step) string {
	out := "== " + r.after.Stage
	if len(r.view.Waiting) > 0 {
		out += ", waits for " + s.w.read(workflows.Mentions(r.view.Waiting))
	}
	for _, t := range r.view.Timers {
		out += "; " + t.Name + " " + t.At.Format("Mon 15:04")
	}
	return out
}

// describe is a call in a line.
func describe(c workflows.Call) string {
	out := c.Op
	for _, word := range []string{c.Email, c.Role, c.ID, c.Command} {
		if word != "" {
			out += " " + word
		}
	}
	if len(c.Seen) > 0 {
		out += " (known before: " + strings.Join(c.Seen, ", ") + ")"
	}
	return out
}

func (s *script) card(a []string) {
	for i, name := range a {
		if i > 0 {
			s.say(".")
		}
		for _, c := range s.w.newest().view.Cards {
			if s.name(c.Recipient) != name {
				continue
			}
			where := ""
			if c.Name != cardMain {
				where = " (" + c.Name + ")"
			}
			s.say("%s%s, notified: %s", name, where, c.Fallback)
			for _, l := range slices.Concat([]string{"*" + c.Title}, c.Lines, c.Facts) {
				s.say("  %s", strings.ReplaceAll(s.w.read(l), "\n", "\n  "))
			}
			var buttons []string
			for _, b := range c.Buttons {
				label := "[" + b.Label + "]"
				if b.Style == workflows.Primary {
					label = "[" + b.Label + "]*"
				}
				buttons = append(buttons, label)
			}
			s.say("  %s", strings.Join(append(buttons, c.Note), " "))
			for _, l := range c.Details {
				s.say("  > %s", strings.ReplaceAll(s.w.read(l), "\n", "\n  > "))
			}
		}
	}
}
