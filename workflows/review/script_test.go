package review

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/machinetest"
)

// TestTranscripts plays the stories in testdata; the commands are those of script.commands below.
func TestTranscripts(t *testing.T) {
	machinetest.Transcripts(t, "testdata/transcripts/*.txt", func(t *testing.T) machinetest.Play {
		s := &script{t: t, w: newWorld(t), told: map[string]int{}, shown: map[string]bool{},
			stages: map[string]string{}}
		return func(line string, words []string) []string {
			do, known := s.commands()[words[0]]
			if !known {
				t.Fatalf("no command %q", words[0])
			}
			s.out, s.line = nil, line
			do(words[1:])
			s.tell()
			return s.out
		}
	})
}

// script is a world and what of it was shown already.
type script struct {
	t      *testing.T
	w      *world
	line   string
	out    []string
	told   map[string]int    // events by workflow
	sent   int               // calls
	shown  map[string]bool   // cards by workflow, name and recipient
	stages map[string]string // by workflow
}

func (s *script) say(format string, args ...any) {
	for l := range strings.SplitSeq(strings.ReplaceAll(fmt.Sprintf(format, args...), workflows.Slash, "/io"), "\n") {
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
		// at 2026-09-28: the day on which the story begins, at 09:14.
		"at": func(a []string) {
			day, err := time.Parse(time.DateOnly, a[0])
			if err != nil {
				s.t.Fatalf("%s: %v", s.line, err)
			}
			w.now = day.Add(9*time.Hour + 14*time.Minute)
		},
		// policy token=no environments= reviewers=Dee,Ana holders= ...: the configuration.
		"policy": func(a []string) {
			for _, kv := range a {
				s.configure(kv)
			}
		},
		// users: none in any environment; user EMAIL ROLE [seen=DAYS] [since=DAYS] [env=NAME]
		// [status=pending] [off] [nomfa]: one more.
		"users": func([]string) {
			for env := range w.users {
				w.users[env] = nil
			}
		},
		"user": s.user,
		// forbidden NAME: integrator.io does not list the users of an environment.
		"forbidden": func(a []string) { delete(w.users, strings.TrimPrefix(a[0], workflows.Production)) },
		// start NAME: the slash command.
		"start": func(a []string) { s.answer(a[0], w.start(a[0])) },
		// calendar: Keyholder begins to look after the calendar of the account.
		"calendar": func([]string) { s.calendar() },
		// calls [twice]: everything on its way arrives, also what that leads to; twice: each answer is lost once.
		"calls": func(a []string) {
			for len(w.queue) > 0 {
				w.deliver(0, len(a) > 0)
			}
		},
		// click NAME ACTION [page=N] [round=N] [of=N] [ROW=keep|change:ROLE|remove[ REASON]]
		// [BLOCK=VALUE]: a button or a form.
		"click": s.click,
		// decide NAME [of=N] [DECISIONS]: fills in the form, and saves.
		"decide": func(a []string) { s.click(slices.Insert(a, 1, FormPacket)) },
		// keep NAME [of=N]: keeps what is still open, with a reason where one is needed.
		"keep": s.keep,
		// wait SPAN
		"wait": func(a []string) { w.wait(s.span(a[0])) },
		// standing NAME [CODE], away NAME [SPAN], delegate FROM TO SPAN: people; look: Keyholder hears of it.
		"standing": func(a []string) {
			s.person(a[0], func(p *workflows.Person) { p.Standing = strings.Join(a[1:], "") })
		},
		"away": func(a []string) {
			s.person(a[0], func(p *workflows.Person) {
				p.Away = true
				if len(a) > 1 {
					p.AwayUntil = w.now.Add(s.span(a[1]))
				}
			})
		},
		"delegate": func(a []string) {
			w.delegations = append(w.delegations, approvals.Delegation{From: slackID(a[0]), To: slackID(a[1]),
				Since: w.now, Until: w.now.Add(s.span(a[2]))})
			s.look(workflows.CmdDelegated, workflows.Actor{Kind: workflows.ByPerson, ID: slackID(a[0]), Team: "TACME"})
		},
		"look": func([]string) { s.look(LookPeople, workflows.Actor{Kind: workflows.ByKeyholder}) },
		// fix EMAIL STATE [HOW [NAME]]: the access workflow of a remedy tells.
		"fix": s.fix,
		// card NAME... [of=N|campaign|calendar]: what they see; "#ops" is the channel.
		"card": s.card,
		// audit [of=N|campaign|calendar]: what `/io audit` says of it.
		"audit": s.audit,
	}
}

func slackID(name string) string { return "U" + strings.ToUpper(name) }

func (s *script) person(name string, change func(*workflows.Person)) {
	p, known := s.w.people[slackID(name)]
	if !known {
		s.t.Fatalf("%s: nobody is called %s", s.line, name)
	}
	change(&p)
	s.w.people[slackID(name)] = p
}

func (s *script) span(word string) time.Duration {
	if days, found := strings.CutSuffix(word, "d"); found {
		if n, err := strconv.Atoi(days); err == nil {
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
	p := &s.w.policy
	var ids []string
	for _, name := range strings.FieldsFunc(v, func(r rune) bool { return r == ',' }) {
		ids = append(ids, slackID(name))
	}
	switch k {
	case "token":
		p.Token = v == "yes"
	case "environments":
		p.Access.Environments = nil
		for _, name := range strings.FieldsFunc(v, func(r rune) bool { return r == ',' }) {
			p.Access.Environments = append(p.Access.Environments, workflows.Environment{Name: name, Token: true})
		}
	case "reviewers":
		p.Review.Reviewers = ids
	case "admins":
		p.Admins = ids
	case "holders":
		p.Aliases[0].Holders, p.Aliases[0].Custodians = ids, ids[:min(1, len(ids))]
	case "aliases":
		p.Aliases = nil
	case "owner":
		p.Owner, s.w.account.Owner = v, v
	case "no_answer":
		p.Review.NoAnswer = v
	default:
		s.t.Fatalf("%s: no setting %q", s.line, k)
	}
}

func (s *script) user(a []string) {
	u, env := s.w.user(a[0], a[1], 2), ""
	for _, kv := range a[2:] {
		k, v, _ := strings.Cut(kv, "=")
		n, _ := strconv.Atoi(v)
		switch k {
		case "seen":
			u.LastHere = s.w.now.Add(-time.Duration(n) * day)
			u.LastAny = u.LastHere
		case "never":
			u.LastHere, u.LastAny = time.Time{}, time.Time{}
		case "since":
			u.Since = s.w.now.Add(-time.Duration(n) * day)
		case "env":
			env = v
		case "status":
			u.Status = v
		case "off":
			u.Disabled = true
		case "nomfa":
			u.MFA = false
		case "manage":
			u.Manage = strings.Split(v, ",")
		default:
			s.t.Fatalf("%s: no property %q", s.line, k)
		}
	}
	s.w.users[env] = append(s.w.users[env], u)
}

const calendarID = "k07-acme"

func (s *script) calendar() {
	if err := s.w.do(workflows.Command{Workflow: calendarID, Name: OpenCalendar,
		Actor: workflows.Actor{Kind: workflows.ByKeyholder}, Round: workflows.NoRound}); err != nil {
		s.t.Fatalf("%s: %v", s.line, err)
	}
}

// choose finds the workflow that a command is about, and leaves its word out: of=N is a part,
// of=campaign and of=calendar the others.
func (s *script) choose(a []string, otherwise func() string) (id string, rest []string) {
	for _, word := range a {
		which, found := strings.CutPrefix(word, "of=")
		switch n, err := strconv.Atoi(which); {
		case !found:
			rest = append(rest, word)
		case which == "campaign":
			id = s.w.campaignID()
		case which == "calendar":
			id = calendarID
		case err != nil || n < 1 || n > len(s.w.packets()):
			s.t.Fatalf("%s: there is no part %s", s.line, which)
		default:
			id = s.w.packets()[n-1].ID
		}
	}
	if id == "" {
		id = otherwise()
	}
	return id, rest
}

func (s *script) click(a []string) {
	who, action := a[0], a[1]
	id, words := s.choose(a[2:], func() string {
		if action == ActImport || action == ActCount || action == ActDelegates {
			return s.w.campaignID()
		}
		for _, p := range s.w.packets() {
			if slices.Contains(p.Reviewers, slackID(who)) {
				return p.ID
			}
		}
		return s.w.packets()[0].ID
	})
	in, cmd := map[string]string{}, workflows.Command{Workflow: id, Name: action,
		Actor: workflows.Actor{Kind: workflows.ByPerson, ID: slackID(who), Team: "TACME"}, Round: workflows.NoRound}
	if r := s.w.runs[id]; r != nil {
		cmd.Round = round(r.state)
	}
	older := false
	for _, word := range words {
		k, v, _ := strings.Cut(word, "=")
		n, err := strconv.Atoi(v)
		switch {
		case k == "page" && err == nil:
			cmd.Page, cmd.View = n, "V1"
		case k == "round" && err == nil:
			cmd.Round, older = n, true
		case k == BlockPerson:
			in[k] = slackID(v)
		case k == BlockFile:
			in[k], in[k+workflows.FileName] = strings.ReplaceAll(v, "|", "\n")+"\n", "list.csv"
		case k[0] >= '0' && k[0] <= '9':
			choose(in, k, v)
		case strings.Contains(k, "@"):
			choose(in, s.row(id, k), v)
		default:
			in[k] = v
		}
	}
	if len(in) > 0 || action == FormPacket {
		cmd.Input, cmd.View = in, "V1"
		cmd.Submitted = slices.Contains([]string{FormPacket, ActReassign, ActImport, ActDelegates}, action)
	}
	if p, packet := s.w.runs[id].state.(PacketState); packet && cmd.View != "" && action != ActReassign && !older {
		cmd.Round = p.Edits // as its form carries
	}
	if c, campaign := s.w.runs[id].state.(CampaignState); campaign && cmd.View != "" && !older {
		cmd.Round = c.Edits
	}
	s.answer(who, s.w.do(cmd))
}

// row is the number of an address in a part; of two rows with it that of production.
func (s *script) row(id, email string) string {
	for _, r := range s.w.runs[id].state.(PacketState).Rows {
		if r.Email == email {
			return strconv.Itoa(r.N)
		}
	}
	s.t.Fatalf("%s: %s has no row there", s.line, email)
	return ""
}

// choose fills in the fields of a row: keep, remove or change:ROLE, and a reason after the first space.
func choose(in map[string]string, n, v string) {
	decision, reason, _ := strings.Cut(v, " ")
	decision, role, _ := strings.Cut(decision, ":")
	in[BlockRow+n], in[BlockReason+n] = decision, reason
	if role != "" {
		in[BlockRole+n] = role
	}
}

func (s *script) keep(a []string) {
	words := []string{a[0], FormPacket}
	id, _ := s.choose(a[1:], func() string { return s.w.packet(a[0]).ID })
	p := s.w.runs[id].state.(PacketState)
	for i, r := range p.Rows {
		v := p.Verdicts[i]
		switch r.Lacks(v) {
		case "":
			continue
		case "reason":
			words = append(words, strconv.Itoa(r.N)+"=keep still needed")
		default:
			reason := ""
			if !r.Plain() {
				reason = " still needed"
			}
			words = append(words, strconv.Itoa(r.N)+"=keep"+reason)
		}
	}
	s.click(append(words, a[1:]...))
}

func (s *script) look(name string, by workflows.Actor) {
	for _, p := range s.w.packets() {
		if err := s.w.do(workflows.Command{Workflow: p.ID, Name: name, Actor: by,
			Round: workflows.NoRound}); err != nil {
			s.t.Fatalf("%s: %v", s.line, err)
		}
	}
}

func (s *script) fix(a []string) {
	for _, p := range s.w.packets() {
		for _, f := range p.Fixes {
			if p.Rows[f.Row-1].Email != a[0] || f.Access == "" {
				continue
			}
			how, who := "", ""
			if len(a) > 2 {
				how = a[2]
			}
			if len(a) > 3 {
				who = slackID(a[3])
			}
			s.w.fix(f.Access, a[1], how, who)
			return
		}
	}
	s.t.Fatalf("%s: nothing is to be done about %s", s.line, a[0])
}

// answer shows what a person is told, and the form they get.
func (s *script) answer(who string, err error) {
	last := s.w.last
	if last.Text != "" {
		why := ""
		if c := code(err); c != "" {
			why = " (" + c + ")"
		}
		s.say("%s is told%s: %s", who, why, s.read(last.Text))
	}
	for _, block := range sortedKeys(last.Errors) {
		s.say("%s is told at %s: %s", who, block, s.read(last.Errors[block]))
	}
	if last.Modal != nil {
		s.modal(who, last.Modal)
	}
	if err != nil && code(err) == "" {
		s.say("(%v)", err)
	}
}

func (s *script) modal(who string, m *workflows.Modal) {
	submit := ""
	if m.Submit != "" {
		submit = " [" + m.Submit + "]"
	}
	s.say("%s gets a form “%s”%s", who, m.Title, submit)
	for _, l := range m.Intro {
		s.say("  %s", s.indent(l))
	}
	for _, in := range m.Inputs {
		switch in.Kind {
		case workflows.BlockDivider:
			continue
		case workflows.BlockText:
			s.say("  %s", s.indent(in.Label))
			continue
		case workflows.BlockButtons:
			s.say("  %s", buttons(in.Buttons))
			continue
		}
		var options []string
		for _, o := range in.Options {
			label := o.Label
			if o.Value == in.Initial {
				label = "(" + label + ")"
			}
			options = append(options, label)
		}
		label := s.read(in.Label)
		if in.Kind == workflows.InputText && in.Initial != "" {
			label += ": " + in.Initial
		}
		if len(options) > 0 {
			label += ": " + strings.Join(options, " / ")
		}
		s.say("  %s", label)
		if in.Hint != "" {
			s.say("    %s", s.indent(in.Hint))
		}
	}
}

func (s *script) indent(text string) string { return strings.ReplaceAll(s.read(text), "\n", "\n    ") }

func buttons(all []workflows.Button) string {
	var out []string
	for _, b := range all {
		label := "[" + b.Label + "]"
		if b.Style == workflows.Primary {
			label += "*"
		}
		out = append(out, label)
	}
	return strings.Join(out, " ")
}

var dateToken = regexp.MustCompile(`<!date\^(\d+)\^[^|>]*\|[^>]*>`)

// read shows a text as Slack would: names for mentions, times in UTC.
func (s *script) read(text string) string {
	text = dateToken.ReplaceAllStringFunc(text, func(m string) string {
		unix, err := strconv.ParseInt(dateToken.FindStringSubmatch(m)[1], 10, 64)
		if err != nil {
			s.t.Fatalf("%s: %v", s.line, err)
		}
		return time.Unix(unix, 0).UTC().Format("Mon 2 Jan, 15:04")
	})
	return workflows.Plain(strings.ReplaceAll(text, workflows.Slash, "/io"), func(id string) string {
		return s.w.people[id].Name
	})
}

// label names a workflow.
func (s *script) label(id string) string {
	switch {
	case id == calendarID:
		return "calendar"
	case id == s.w.campaignID():
		return "campaign"
	}
	for i, p := range s.w.packets() {
		if p.ID == id {
			return "part " + strconv.Itoa(i+1)
		}
	}
	return id
}

// tell shows the events, calls and cards that are new, and what changed of stages and timers.
func (s *script) tell() {
	type told struct {
		id string
		e  workflows.Event
	}
	var all []told
	for _, id := range s.w.order {
		for _, e := range s.w.runs[id].events[s.told[id]:] {
			all = append(all, told{id, e})
		}
		s.told[id] = len(s.w.runs[id].events)
	}
	slices.SortStableFunc(all, func(a, b told) int { return cmp.Compare(a.e.At.UnixNano(), b.e.At.UnixNano()) })
	at := s.w.now
	for _, x := range all {
		if x.e.Type == evChecked || x.e.Type == evPart { // every day, and of every step
			continue
		}
		if !x.e.At.Equal(at) {
			at = x.e.At
			s.say("(%s)", at.Format("Mon 2 Jan, 15:04"))
		}
		s.say("%s: %s", s.label(x.id), s.read(machineOf(x.id).Tell(x.e)))
	}
	s.calls()
	for _, id := range s.w.order {
		s.changes(id)
	}
}

func (s *script) calls() {
	for _, c := range s.w.sent[s.sent:] {
		if c.Command == packetMoved { // of every step of a part
			continue
		}
		out := "-> " + c.Op
		if c.Op == workflows.OpCensus {
			out += " " + or(c.Environment, workflows.Production)
		}
		if c.Command != "" {
			out += " " + s.label(c.ID) + " " + c.Command
		}
		if in := c.Input; in["email"] != "" {
			out += fmt.Sprintf(": %s %s %s, for %s, by %s: %q", in["change"], in["email"], in["role"],
				s.w.people[in["reviewer"]].Name, in["until"], in["reason"])
		}
		s.say("%s", out)
	}
	s.sent = len(s.w.sent)
}

// changes shows a workflow's new cards, and its stage when that changed.
func (s *script) changes(id string) {
	r := s.w.runs[id]
	v := r.machine.View(r.state)
	var who []string
	for _, c := range v.Cards {
		key := id + "/" + c.Name + "/" + c.Recipient
		if !s.shown[key] && c.Recipient != "" {
			s.shown[key] = true
			name := s.name(c.Recipient)
			if c.Name != cardMain {
				name += " (" + c.Name + ")"
			}
			who = append(who, name)
		}
	}
	if len(who) > 0 {
		s.say("%s, new cards: %s", s.label(id), strings.Join(who, ", "))
	}
	if stage := r.state.StageName(); s.stages[id] != stage {
		s.stages[id] = stage
		out := "== " + s.label(id) + " " + stage
		if len(v.Waiting) > 0 {
			out += ", waits for " + s.read(workflows.Mentions(v.Waiting))
		}
		for _, t := range v.Timers {
			out += "; " + t.Name + " " + t.At.Format("Mon 2 Jan, 15:04")
		}
		s.say("%s", out)
	}
}

func (s *script) name(recipient string) string {
	if recipient == "COPS" {
		return "#ops"
	}
	return s.w.people[recipient].Name
}

// card shows what people see of a workflow, of all without of=.
func (s *script) card(a []string) {
	only, names := s.choose(a, func() string { return "" })
	for _, name := range names {
		for _, id := range s.w.order {
			if only != "" && only != id {
				continue
			}
			r := s.w.runs[id]
			for _, c := range r.machine.View(r.state).Cards {
				if s.name(c.Recipient) == name {
					s.shownCard(name, c)
				}
			}
		}
	}
}

func (s *script) shownCard(name string, c workflows.Card) {
	where := ""
	if c.Name != cardMain {
		where = " (" + c.Name + ")"
	}
	s.say("%s%s, notified: %s", name, where, c.Fallback)
	for _, l := range slices.Concat([]string{"*" + c.Title}, c.Lines, c.Facts) {
		s.say("  %s", s.indent(l))
	}
	s.say("  %s", strings.TrimSpace(buttons(c.Buttons)+" "+c.Note))
	for _, b := range c.Buttons {
		if b.Confirm != nil {
			s.say("    %s? %s [%s] [%s]", strings.TrimSuffix(b.Confirm.Title, "?"), s.read(b.Confirm.Text),
				b.Confirm.Yes, b.Confirm.No)
		}
	}
}

// audit retells a workflow, each line with who did it.
func (s *script) audit(a []string) {
	id, _ := s.choose(a, s.w.campaignID)
	r := s.w.runs[id]
	for _, e := range r.events {
		if e.Type == evChecked { // every day the same
			continue
		}
		by := map[string]string{workflows.ByPerson: s.w.people[e.By.ID].Name, workflows.ByTimer: "time",
			workflows.ByIntegrator: "integrator.io"}[e.By.Kind]
		s.say("%s %s: %s", e.At.Format("Mon 2 Jan, 15:04"), or(by, "Keyholder"), s.read(r.machine.Tell(e)))
	}
}
