package key

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/machinetest"
)

// TestTranscripts plays the stories in testdata.
func TestTranscripts(t *testing.T) {
	machinetest.Transcripts(t, "testdata/*.txt", func(t *testing.T) machinetest.Play {
		s := &script{t: t, w: newWorld(t)}
		return func(line string, words []string) []string {
			s.out, s.line = nil, line
			if do := s.commands()[words[0]]; do != nil {
				do(words[1:])
			} else {
				t.Fatalf("no command %q", words[0])
			}
			s.tell()
			if len(s.out) == 0 {
				s.say("nothing changes")
			}
			return s.out
		}
	})
}

// script plays one story. told is how many events of each workflow were told, shown the cards that stand.
type script struct {
	t      *testing.T
	w      *world
	line   string
	out    []string
	told   map[string]int
	stages map[string]string
	shown  map[string]bool
	alarms int
}

func (s *script) say(format string, args ...any) {
	for l := range strings.SplitSeq(fmt.Sprintf(format, args...), "\n") {
		if l == "" {
			l = "."
		}
		s.out = append(s.out, l)
	}
}

// quietly are the events that a watch has every day.
var quietly = map[string]bool{"Keyholder looked who can use the key.": true,
	"The owner's sign-ins were read: nothing new.": true}

// letters are the machines by the words of a script.
var letters = map[string]string{"key": "u", "drill": "e", "signin": "s", "watch": "w"}

// commands are what a script can say.
func (s *script) commands() map[string]func([]string) {
	w := s.w
	return map[string]func([]string){
		// policy quorum=0 mail=yes token=no drill_every=90d turn=1d holders=Ana,Ben custodians=...
		// password=... factor=... admins=...
		"policy": func(a []string) {
			for _, kv := range a {
				s.configure(kv)
			}
		},
		// use NAME [LENGTH [WORDS]]: the form of `key acme use`.
		"use": func(a []string) {
			form := map[string]string{BlockAccount: "acme", BlockFor: "1h", BlockReason: "Rotate the SSO certificate"}
			if len(a) > 1 {
				form[BlockFor] = a[1]
			}
			if len(a) > 2 {
				form[BlockReason] = strings.Join(a[2:], " ")
			}
			s.answer(a[0], w.ask(Request, workflows.LetterUse, a[0], form))
		},
		// drill NAME: `key acme drill`.
		"drill": func(a []string) { s.answer(a[0], w.ask(DrillRequest, workflows.LetterDrill, a[0], nil)) },
		// click NAME MACHINE ACTION [FIELD=WORDS | FIELD=...]: the newest workflow of the machine;
		// the form that opens is sent when fields are given.
		"click": func(a []string) {
			r := w.newest(letters[a[1]])
			if r == nil {
				s.t.Fatalf("%s: nothing of %s", s.line, a[1])
			}
			s.answer(a[0], w.click(r, a[0], a[2], s.form(strings.Join(a[3:], " "))))
		},
		// look: Keyholder starts; poll: the audit log is read; sign-in [AGO]; hide, show: the last
		// sign-in comes late into the log.
		"look":    func([]string) { w.look() },
		"poll":    func([]string) { w.poll() },
		"sign-in": func(a []string) { w.signIn(-s.span(strings.Join(a, ""))); s.say("somebody signs in as the owner") },
		"hide":    func([]string) { w.hidden[w.log[len(w.log)-1].ID] = true },
		"show":    func([]string) { clear(w.hidden) },
		// denied [CODE]: the audit log is refused, or no longer; no-mail CODE: letters are.
		"denied":  func(a []string) { w.denied = strings.Join(a, "") },
		"no-mail": func(a []string) { w.noMail = strings.Join(a, "") },
		// standing NAME [CODE]
		"standing": func(a []string) { w.Stand(a[0], strings.Join(a[1:], "")) },
		"wait":     func(a []string) { w.wait(s.span(a[0])) },
		// letter: what the last one says.
		"letter": func([]string) {
			last := w.letters[len(w.letters)-1]
			for _, name := range []string{"Ana", "Ben", "Cat"} {
				if word := last[machinetest.UserID(name)]; word != "" {
					s.say("%s: %s", name, word)
				}
			}
		},
		// card MACHINE NAME...: what they see. "#" is the channel.
		"card": func(a []string) {
			for _, name := range a[1:] {
				s.card(w.newest(letters[a[0]]), name)
			}
		},
		// status: `key acme`.
		"status": func([]string) {
			var watch WatchState
			if r := w.newest("w"); r != nil {
				watch = r.state.(WatchState)
			}
			for _, l := range Status(w.Policy, w.Account, watch) {
				s.say("%s", s.read(l))
			}
		},
	}
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
		p.Key.Quorum, _ = strconv.Atoi(v)
	case "mail":
		p.Mail = v == "yes"
	case "token":
		p.Token = v == "yes"
	case "drill_every":
		p.Key.DrillEvery = s.span(v)
	case "holders":
		p.Aliases[0].Holders = ids()
	case "password":
		p.Aliases[0].Custodians, p.Aliases[0].Password = nil, ids()
	case "factor":
		p.Aliases[0].Custodians, p.Aliases[0].SecondFactor = nil, ids()
	case "owner":
		s.w.Account.Owner, p.Owner = v, v
	default:
		s.t.Fatalf("%s: no setting %q", s.line, k)
	}
}

// form reads "done=New certificate | rotated=yes"; nil for nothing. WORD:NAME is the word of a letter.
func (s *script) form(text string) map[string]string {
	if text == "" {
		return nil
	}
	out := map[string]string{}
	for part := range strings.SplitSeq(text, " | ") {
		k, v, _ := strings.Cut(part, "=")
		if name, found := strings.CutPrefix(v, "WORD:"); found {
			v = s.w.letters[len(s.w.letters)-1][machinetest.UserID(name)]
		}
		out[k] = v
	}
	return out
}

func (s *script) span(word string) time.Duration {
	if days, found := strings.CutSuffix(word, "d"); found {
		if n, err := strconv.Atoi(days); err == nil {
			return time.Duration(n) * day
		}
	}
	if word == "" {
		return 0
	}
	d, err := time.ParseDuration(word)
	if err != nil {
		s.t.Fatalf("%s: %v", s.line, err)
	}
	return d
}

func (s *script) answer(who string, a answered) {
	if a.code() != "" {
		s.say("%s is told (%s): %s", who, a.code(), s.read(strings.TrimPrefix(a.err.Error(), a.code()+": ")))
	}
	if a.reply.Text != "" {
		s.say("%s is told: %s", who, s.read(a.reply.Text))
	}
	for _, field := range []string{BlockFor, BlockReason, BlockDone, BlockRotated, BlockWord} {
		if text := a.reply.Errors[field]; text != "" {
			s.say("%s reads at the field %s: %s", who, field, s.read(text))
		}
	}
	if m := a.reply.Modal; m != nil {
		s.say("%s gets a form %s “%s”", who, m.Callback, m.Title)
		for _, l := range m.Intro {
			s.say("  %s", s.read(l))
		}
		for _, in := range m.Inputs {
			s.say("  %s (%s)%s %s", in.Label, in.Block, map[bool]string{true: ", optional", false: ""}[in.Optional],
				in.Initial)
			for _, o := range in.Options {
				s.say("    [ ] %s", o.Label)
			}
		}
	}
}

// tell says what happened since the last line, workflow by workflow.
func (s *script) tell() {
	if s.told == nil {
		s.told, s.stages, s.shown = map[string]int{}, map[string]string{}, map[string]bool{}
	}
	for _, r := range s.w.runs {
		for _, e := range r.events[s.told[r.id]:] {
			text := s.read(r.machine.Tell(e))
			if quietly[text] { // it looks every day, and what it finds is told
				continue
			}
			at := ""
			if !e.At.Equal(s.w.Now) {
				at = e.At.Format("(Mon 2 Jan 15:04) ")
			}
			s.say("%s%s", at, text)
		}
		s.told[r.id] = len(r.events)
		var who []string
		for _, c := range r.view.Cards {
			key := r.id + "/" + c.Name + "/" + c.Recipient
			if s.shown[key] {
				continue
			}
			s.shown[key] = true
			name := s.name(c.Recipient)
			if c.Name != cardMain {
				name += " (" + c.Name + ")"
			}
			who = append(who, name)
		}
		if len(who) > 0 {
			s.say("new: %s", strings.Join(who, ", "))
		}
		if stage := s.stage(r); stage != s.stages[r.id] {
			s.stages[r.id] = stage
			s.say("%s", stage)
		}
	}
	for _, a := range s.w.alarms[s.alarms:] {
		s.say("ALARM %s, by mail and to the webhook: %s", a.Kind, a.Text)
		for _, step := range a.Steps {
			s.say("  %s", step)
		}
	}
	s.alarms = len(s.w.alarms)
}

func (s *script) stage(r *run) string {
	out := "== " + r.machine.Name() + ": " + r.state.StageName()
	if len(r.view.Waiting) > 0 {
		out += ", waits for " + s.read(workflows.Mentions(r.view.Waiting))
	}
	for _, t := range r.view.Timers {
		out += "; " + t.Name + " " + t.At.Format("Mon 2 Jan 15:04")
	}
	return out
}

func (s *script) name(recipient string) string {
	if recipient == channel {
		return "#"
	}
	return s.w.People[recipient].Name
}

func (s *script) card(r *run, name string) {
	if r == nil {
		s.t.Fatalf("%s: there is no such workflow", s.line)
	}
	for _, c := range r.view.Cards {
		if s.name(c.Recipient) != name {
			continue
		}
		kind := ""
		if c.Name != cardMain {
			kind = " (" + c.Name + ")"
		}
		s.say("%s%s, notified: %s", name, kind, s.read(c.Fallback))
		for _, l := range slices.Concat([]string{"*" + c.Title}, c.Lines, c.Facts) {
			s.say("  %s", strings.ReplaceAll(s.read(l), "\n", "\n  "))
		}
		var buttons []string
		for _, b := range c.Buttons {
			buttons = append(buttons, "["+b.Label+"]")
		}
		if len(buttons) > 0 {
			s.say("  %s", strings.Join(buttons, " "))
		}
		for _, l := range c.Details {
			s.say("  > %s", strings.ReplaceAll(s.read(l), "\n", "\n  > "))
		}
	}
}

var (
	mentionText = regexp.MustCompile(`<@(U[A-Z0-9]+)>`)
	workflowID  = regexp.MustCompile(`\b([uesw])[0-9]{2}-[0-9A-Z]{8}\b`)
)

// read is a text as its reader sees it: names for mentions, times in UTC, workflows by their machine.
func (s *script) read(text string) string {
	text = workflows.Plain(text, func(id string) string { return s.w.People[id].Name })
	text = mentionText.ReplaceAllString(text, "$1")
	return workflowID.ReplaceAllString(text, "$1-ID")
}
