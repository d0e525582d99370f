package access

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
		// policy quorum=1 token=no ...: the configuration, before a request or in the middle.
		"policy": func(a []string) {
			for _, kv := range a {
				s.configure(kv)
			}
		},
		// standing NAME [CODE]: what Slack says of a person.
		"standing": func(a []string) { w.Stand(a[0], strings.Join(a[1:], "")) },
		// delegate FROM TO SPAN
		"delegate": func(a []string) { s.tell(w.delegate(a[0], a[1], s.span(a[2]))...) },
		// request NAME for=NAME|EMAIL role=... : the form.
		"request": s.request,
		// review NAME for=EMAIL change=... role=... was=MARK until=SPAN: a review decided it.
		"review": s.review,
		// told: what the packet of the review was told.
		"told": func([]string) {
			for _, in := range w.toldOf(w.newest().id) {
				line := strings.TrimSpace(fmt.Sprintf("row %s: %s %s", in["row"], in["state"], in["how"]))
				if in["who"] != "" {
					line += " by " + w.People[in["who"]].Name
				}
				s.say("%s", strings.TrimSpace(line+", from "+strconv.Quote(in["before"])+" to "+
					strconv.Quote(in["after"])+" "+w.read(in["why"])))
			}
		},
		// click NAME ACTION [REASON] [round=N] [of=ID]: the button, and the form if it opens one and a reason is given.
		"click": s.click,
		// call [lost|failed|unsure|refused CODE WORDS]: the first call in the queue is made.
		"call": func(a []string) { s.tell(w.deliver(strings.Join(a, " "))) },
		// calls: all of them, and those they lead to.
		"calls": func([]string) { s.tell(w.deliverAll()...) },
		// look: the watches look once.
		"look": func([]string) { s.tell(w.poll()...) },
		// watch [ENVIRONMENT]: Keyholder begins to look for drift.
		"watch": func(a []string) { s.tell(w.watch(strings.Join(a, ""))...) },
		// wait SPAN
		"wait": func(a []string) { s.tell(w.wait(s.span(a[0]))...) },
		// io ...: something happens at integrator.io.
		"io": s.outside,
		// has EMAIL [ENVIRONMENT]: what integrator.io shows.
		"has": func(a []string) {
			env := ""
			if len(a) > 1 {
				env = a[1]
			}
			s.say("%s", w.out.user(env, emailOf(a[0])).Mark())
		},
		// card NAME...: what they see of the newest request or finding; "#ops" is the channel.
		"card": func(a []string) { s.card(w.newest(), a) },
		// watcher NAME...: what they see of the watcher.
		"watcher": func(a []string) { s.card(w.runs[0], a) },
		// given: what the record says of who may have what.
		"given": func([]string) {
			for _, k := range slices.Sorted(func(yield func(string) bool) {
				for k := range w.Account.Given {
					if !yield(k) {
						return
					}
				}
			}) {
				g := w.Account.Given[k]
				s.say("%s: %q by %s", k, g.Mark, g.Workflow)
			}
		},
		// form [BLOCK=VALUE]...: the request form as it looks with that chosen in it.
		"form": func(a []string) {
			chosen := map[string]string{BlockAccount: "acme"}
			for _, kv := range a {
				k, v, _ := strings.Cut(kv, "=")
				chosen[k] = v
			}
			m := RequestModal([]workflows.Policy{w.Policy}, chosen, w.out.names)
			s.modal("Dee", &m)
		},
	}
}

func (s *script) click(a []string) {
	r := s.w.newest()
	n := -1
	a = slices.DeleteFunc(a, func(x string) bool {
		v, found := strings.CutPrefix(x, "round=")
		if found {
			n, _ = strconv.Atoi(v)
		}
		id, other := strings.CutPrefix(x, "of=")
		if other {
			if r = s.w.find(id); r == nil {
				s.t.Fatalf("%s: no such workflow", s.line)
			}
		}
		return found || other
	})
	if n < 0 {
		n = round(r.state)
	}
	s.answer(a[0], s.w.clickAt(r, n, a[0], a[1], a[2:]...))
}

func (s *script) span(word string) time.Duration {
	if days, found := strings.CutSuffix(word, "d"); found {
		n, err := strconv.Atoi(days)
		if err == nil {
			return time.Duration(n) * day
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
		for _, name := range words(v) {
			out = append(out, machinetest.UserID(name))
		}
		return out
	}
	switch k {
	case "quorum":
		p.Access.Quorum, _ = strconv.Atoi(v)
	case "token":
		p.Token = v == "yes"
	case "approvers":
		p.Access.Approvers = ids()
	case "lists": // Ana,Ben+Eve: somebody of each
		p.Access.Approvers, p.Access.Lists = nil, nil
		for list := range strings.SplitSeq(v, "+") {
			var of []string
			for _, name := range words(list) {
				of = append(of, machinetest.UserID(name))
			}
			p.Access.Lists, p.Access.Approvers = append(p.Access.Lists, of), workflows.Union(p.Access.Approvers, of)
		}
	case "admins":
		p.Admins = ids()
	case "quiet":
		p.Quiet = ids()
	case "holders":
		p.Aliases[0].Holders = ids()
	default:
		s.t.Fatalf("%s: no setting %q", s.line, k)
	}
}

func (s *script) request(a []string) {
	in := map[string]string{BlockAccount: "acme", BlockReason: "Covers for Ana this week", BlockChange: Grant,
		BlockEnvironment: workflows.Production, BlockFor: "7d"}
	for _, kv := range a[1:] {
		k, v, _ := strings.Cut(kv, "=")
		switch k {
		case "for":
			if strings.Contains(v, "@") {
				in[BlockEmail] = v
			} else {
				in[BlockPerson] = machinetest.UserID(v)
			}
		case "role":
			access := accessOf(v)
			in[BlockRole], in[BlockManage], in[BlockMonitor] = access.Role, strings.Join(access.Manage, "\n"),
				strings.Join(access.Monitor, "\n")
		case "length":
			in[BlockFor] = v
		case "env":
			in[BlockEnvironment] = v
		case "urgent":
			in[BlockUrgent] = BlockUrgent
		case "change", "reason", "email":
			in[k] = v
		default:
			s.t.Fatalf("%s: no field %q", s.line, k)
		}
	}
	s.answer(a[0], s.w.request(a[0], in))
}

func (s *script) review(a []string) {
	in, email := map[string]string{BlockChange: Remove, inWas: "accepted/monitor"}, ""
	for _, kv := range a[1:] {
		k, v, _ := strings.Cut(kv, "=")
		switch k {
		case "for":
			email = v
		case "until":
			in[inUntil] = s.w.Now.Add(s.span(v)).Format(time.RFC3339)
		case "env":
			in[BlockEnvironment] = v
		case "change", "role", "was", "was_id", "reason":
			in[k] = v
		default:
			s.t.Fatalf("%s: no field %q", s.line, k)
		}
	}
	s.answer(a[0], s.w.review(a[0], email, in))
}

func (s *script) outside(a []string) {
	o, env := s.w.out, ""
	if len(a) > 1 && a[1] == "Sandbox" {
		env = a[1]
		a = slices.Delete(a, 1, 2)
	}
	if slices.Contains([]string{"changes", "accepts", "declines", "off", "on"}, a[0]) &&
		o.user(env, emailOf(a[1])) == nil {
		s.t.Fatalf("%s: there is no such user", s.line)
	}
	switch a[0] {
	case "joins": // EMAIL ACCESS [VIA]
		u := o.join(env, emailOf(a[1]), accessOf(a[2]))
		u.Since = s.w.Now
		if len(a) > 3 {
			u.Via = a[3]
		}
	case "many": // COUNT: people of the domain join by themselves
		n, _ := strconv.Atoi(a[1])
		for i := range n {
			u := o.join(env, fmt.Sprintf("p%02d@acme.example", i+1), workflows.Access{Role: workflows.RoleMonitor})
			u.Via = "new_account_auto_join"
		}
	case "changes": // EMAIL ACCESS
		set(o.user(env, emailOf(a[1])), accessOf(a[2]))
	case "leaves":
		o.remove(env, emailOf(a[1]))
	case "accepts":
		o.user(env, emailOf(a[1])).Status = workflows.UserAccepted
	case "declines":
		o.user(env, emailOf(a[1])).Status = workflows.UserDismissed
	case "off", "on":
		o.user(env, emailOf(a[1])).Disabled = a[0] == "off"
	case "forbids":
		o.forbidden[a[1]] = true
	case "allows":
		o.forbidden = map[string]bool{}
	case "logs": // EMAIL BY: the audit log names who changed the access of an address
		by := emailOf(a[2])
		o.log[workflows.GivenKey(env, emailOf(a[1]))] = workflows.Trace{Email: by, Name: a[2], At: s.w.Now,
			Source: "ui", Event: "update"}
	case "full":
		o.full = a[1] == "yes"
	case "token":
		o.token = a[1] == "yes"
	case "sso":
		o.sso = true
	case "away", "back":
		s.w.away = a[0] == "away"
	default:
		s.t.Fatalf("%s: integrator.io knows no %q", s.line, a[0])
	}
}

// answer shows what a person's command led to.
func (s *script) answer(who string, st step) {
	if r := st.refusal(); r != nil {
		field := ""
		if r.Field != "" {
			field = " at " + r.Field
		}
		s.say("%s is told%s (%s): %s", who, field, r.Code, s.w.read(r.Text))
	}
	if st.reply.Text != "" {
		s.say("%s is told: %s", who, s.w.read(st.reply.Text))
	}
	if st.reply.Modal != nil {
		s.modal(who, st.reply.Modal)
	}
	s.tell(st)
}

func (s *script) modal(who string, m *workflows.Modal) {
	s.say("%s gets a form “%s”", who, m.Title)
	for _, l := range m.Intro {
		s.say("  %s", strings.ReplaceAll(s.w.read(l), "\n", "\n  "))
	}
	for _, in := range m.Inputs {
		s.say("  %s (%s)%s", in.Label, in.Block, map[bool]string{true: ", optional", false: ""}[in.Optional])
		for _, o := range in.Options {
			line := "    [ ] "
			if o.Value == in.Initial {
				line = "    [x] "
			}
			line += o.Label
			if o.Description != "" {
				line += ": " + o.Description
			}
			s.say("%s", line)
		}
		if in.Hint != "" {
			s.say("    %s", in.Hint)
		}
	}
}

// tell shows events, calls, new cards and the stage.
func (s *script) tell(steps ...step) {
	shown := 0
	for _, st := range steps {
		if len(st.events) == 0 {
			continue
		}
		shown++
		if at := st.events[0].At; !at.Equal(s.w.Now) {
			s.say("(%s)", at.Format("Mon 15:04"))
		}
		for _, e := range st.events {
			s.say("%s", s.w.read(st.run.machine.Tell(e)))
		}
		for _, c := range st.calls {
			s.say("-> %s", describeCall(c))
		}
		var who []string
		for _, c := range st.cards {
			name := s.name(c.Recipient)
			if c.Name != cardMain {
				name += " (" + c.Name + ")"
			}
			who = append(who, name)
		}
		if len(who) > 0 {
			s.say("new: %s", strings.Join(who, ", "))
		}
		if st.before.StageName() != st.after.StageName() {
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

func (s *script) stage(st step) string {
	out := "== " + st.after.StageName()
	if len(st.view.Waiting) > 0 {
		out += ", waits for " + s.w.read(workflows.Mentions(st.view.Waiting))
	}
	for _, t := range st.view.Timers {
		out += "; " + t.Name + " " + t.At.Format("Mon 15:04")
	}
	return out
}

// describeCall is a call in a line.
func describeCall(c workflows.Call) string {
	out := c.Op
	for _, word := range []string{c.Environment, c.Email, c.ID, c.Command} {
		if word != "" {
			out += " " + word
		}
	}
	if c.Access != nil {
		out += " " + c.Access.Mark()
	}
	if c.Known != "" && c.Op != workflows.OpCensus {
		out += " (if it is " + c.Known + ")"
	}
	return out
}

func (s *script) card(r *run, a []string) {
	for i, name := range a {
		if i > 0 {
			s.say(".")
		}
		for _, c := range r.view.Cards {
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
					label += "*"
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
