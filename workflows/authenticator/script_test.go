package authenticator

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

// run carries out one line:
//
//	admins NAMES | standing NAME CODE | enrol STEP [proven|lost|first] | code STEP [APP] | wrong [N]
//	click NAME ACTION [ROUND] | ask NAME [WORDS] | wait SPAN | card NAME... | standing-of-it
func (s *script) run(words []string) {
	w, a := s.w, words[1:]
	switch words[0] {
	case "admins":
		w.admins = nil
		for _, name := range a {
			w.admins = append(w.admins, userID(name))
		}
	case "standing":
		p := w.people[userID(a[0])]
		p.Standing = a[1]
		w.people[p.ID] = p
	case "enrol":
		e := Enrolment{Step: s.number(a[0]), Lost: slices.Contains(a, "lost")}
		if slices.Contains(a, "proven") {
			e.Proof = &workflows.StepUp{Issuer: "https://login.acme.example"}
		}
		if slices.Contains(a, "first") { // as a replica says that has not seen the one that is there
			e.Person, e.Name, e.Sealed = "UANA", "Ana", "SEALED-FIRST"
			s.tell("Ana", tell(w, Enrol, e))
			break
		}
		s.tell("Ana", w.enrol(e))
	case "code":
		n := w.state.N
		if len(a) > 1 {
			n = int(s.number(a[1]))
		}
		s.tell("Ana", tell(w, Tried, Try{Step: s.number(a[0]), At: w.now, N: n}))
	case "wrong":
		n := 1
		if len(a) > 0 {
			n = int(s.number(a[0]))
		}
		for range n {
			s.tell("Ana", tell(w, Tried, Try{At: w.now, N: w.state.N}))
		}
	case "click":
		round := w.state.Round
		if len(a) > 2 {
			round = int(s.number(a[2]))
		}
		s.tell(a[0], w.clickOf(a[0], a[1], round))
	case "ask":
		s.tell(a[0], w.ask(a[0], strings.Join(a[1:], " ")))
	case "wait":
		d, err := time.ParseDuration(a[0])
		if err != nil {
			s.t.Fatalf("%s: %v", s.line, err)
		}
		for _, d := range w.wait(d) {
			s.tell("", d)
		}
	case "card":
		for _, name := range a {
			s.card(name)
		}
	case "standing-of-it":
		s.say("%s", w.read(w.state.Standing()))
	default:
		s.t.Fatalf("no command %q", words[0])
	}
	if len(s.out) == 0 {
		s.say("nothing changes")
	}
}

func (s *script) number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		s.t.Fatalf("%s: %v", s.line, err)
	}
	return n
}

func (s *script) say(format string, args ...any) {
	s.out = append(s.out, strings.Split(fmt.Sprintf(format, args...), "\n")...)
}

func (s *script) tell(who string, d did) {
	if d.code() != "" {
		s.say("%s is told (%s): %s", who, d.code(), s.w.read(strings.TrimPrefix(d.err.Error(), d.code()+": ")))
	}
	if d.reply.Text != "" {
		s.say("%s is told: %s", who, s.w.read(d.reply.Text))
	}
	for block, text := range d.reply.Errors {
		s.say("%s is told at %s: %s", who, block, text)
	}
	if d.err != nil {
		return
	}
	for _, e := range d.events {
		s.say("%s", s.w.read(Machine().Tell(e)))
	}
	var fresh []string
	for _, c := range d.fresh {
		fresh = append(fresh, s.w.people[c.Recipient].Name+" ("+c.Name+")")
	}
	if len(fresh) > 0 {
		s.say("new: %s", strings.Join(fresh, ", "))
	}
	if d.before.StageName() != s.w.state.StageName() {
		out := "== " + s.w.state.StageName()
		for _, t := range s.w.view.Timers {
			out += "; " + t.Name + " " + t.At.Format("Mon 15:04")
		}
		s.say("%s", out)
	}
}

func (s *script) card(name string) {
	for _, c := range s.w.view.Cards {
		if s.w.people[c.Recipient].Name != name {
			continue
		}
		s.say("%s (%s), notified: %s", name, c.Name, s.w.read(c.Fallback))
		for _, l := range c.Lines {
			s.say("  %s", s.w.read(l))
		}
		var buttons []string
		for _, b := range c.Buttons {
			buttons = append(buttons, "["+b.Label+"]")
		}
		if len(buttons) > 0 {
			s.say("  %s", strings.Join(buttons, " "))
		}
	}
}
