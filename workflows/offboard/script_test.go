package offboard

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/machinetest"
)

// TestTranscripts plays the stories in testdata.
//
//	owner EMAIL | unread ENV CODE | user ENV EMAIL ROLE | no-users | no-tokens
//	delegate FROM TO | token no | no-environments
//	leaves WHO PERSON DAY [KINDS]    answers    look    wait SPAN    removed [ENV]    not-removed
//	done WHO STEP NOTE | blocked WHO STEP NOTE | settle WHO | cancel WHO REASON | move WHO DAY
//	drill OUTCOME | unnamed PERSON | card NAME | channel | locks
func TestTranscripts(t *testing.T) {
	machinetest.Transcripts(t, "testdata/*.txt", func(t *testing.T) machinetest.Play {
		s := &script{t: t, w: newWorld(t)}
		return func(_ string, words []string) []string {
			s.out = nil
			s.run(words[0], words[1:])
			return s.out
		}
	})
}

type script struct {
	t   *testing.T
	w   *world
	out []string
}

func (s *script) say(format string, args ...any) {
	s.out = append(s.out, strings.Split(fmt.Sprintf(format, args...), "\n")...)
}

func (s *script) run(verb string, a []string) {
	w := s.w
	switch verb {
	case "owner":
		w.Account.Owner = a[0]
	case "unread":
		w.unread[envName(a[0])] = a[1]
	case "user":
		w.users[envName(a[0])] = append(w.users[envName(a[0])], workflows.User{Email: a[1], Role: a[2]})
	case "no-users":
		clear(w.users)
	case "no-tokens":
		clear(w.tokens)
	case "no-environments":
		w.Policy.Access.Environments = nil
	case "token":
		w.Policy.Token = a[0] == "yes"
	case "delegate":
		w.Delegations = append(w.Delegations, approvals.Delegation{From: machinetest.UserID(a[0]),
			To: machinetest.UserID(a[1]), Since: w.Now,
			Until: w.Now.AddDate(0, 1, 0)})
	case "leaves":
		s.answer(a[0], w.leaves(a[0], a[1], strings.Trim(a[2], "-"), a[3:]...))
	case "answers":
		s.tell(w.answers()...)
	case "look":
		s.tell(w.look())
	case "wait":
		span, err := time.ParseDuration(a[0])
		if err != nil {
			s.t.Fatal(err)
		}
		s.tell(w.wait(span)...)
	case "removed":
		s.say("%d removed", w.removed(envName(strings.Join(a, "")), len(a) == 0))
		s.tell(w.look())
	case "not-removed":
		for _, id := range w.Account.Locks {
			if workflows.HasLetter(id, workflows.LetterAccess) {
				w.unlock(id)
			}
		}
		w.Now = w.Now.Add(requestWithin)
		s.tell(w.look())
	case "done", "blocked":
		s.answer(a[0], w.click(a[0], "offboard."+verb, map[string]string{BlockStep: a[1],
			BlockNote: strings.Join(a[2:], " ")}))
	case "press":
		s.answer(a[0], w.click(a[0], "offboard."+a[1], nil))
	case "settle":
		s.answer(a[0], w.click(a[0], ActSettle, nil))
	case "cancel":
		s.answer(a[0], w.click(a[0], ActCancel, map[string]string{BlockReason: strings.Join(a[1:], " ")}))
		s.withdrawn()
	case "move":
		s.answer(a[0], w.click(a[0], Move, map[string]string{BlockLastDay: a[1]}))
		s.withdrawn()
	case "drill":
		w.record(workflows.DrillEnded, workflows.Drill{Workflow: "e01-00000001", Ended: w.Now, Outcome: a[0]})
		s.tell(w.look())
	case "unnamed":
		w.unname(machinetest.UserID(a[0]))
		s.tell(w.look())
	case "card":
		s.card(machinetest.UserID(a[0]))
	case "channel":
		s.card("COPS")
	case "locks":
		s.say("%d locks", len(w.Account.Locks))
	default:
		s.t.Fatalf("no command %q", verb)
	}
}

func (s *script) withdrawn() {
	if n := len(s.w.cancelled); n > 0 {
		s.say("withdrawn: %d", n)
		s.w.cancelled = nil
	}
}

// unname takes somebody out of the configuration.
func (w *world) unname(id string) {
	drop := func(ids []string) []string {
		return slices.DeleteFunc(slices.Clone(ids), func(x string) bool { return x == id })
	}
	p := &w.Policy
	p.Admins, p.Access.Approvers, p.Recovery.Approvers, p.Review.Reviewers = drop(p.Admins), drop(p.Access.Approvers),
		drop(p.Recovery.Approvers), drop(p.Review.Reviewers)
	p.Aliases = slices.Clone(p.Aliases)
	for i := range p.Aliases {
		a := &p.Aliases[i]
		a.Holders, a.Password, a.SecondFactor = drop(a.Holders), drop(a.Password), drop(a.SecondFactor)
	}
}

func envName(s string) string {
	if s == workflows.Production {
		return ""
	}
	return s
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
		for _, in := range m.Inputs {
			s.say("  %s (%s)", in.Label, in.Block)
			for _, o := range in.Options {
				s.say("    %s: %s", o.Value, o.Label)
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
		if at := d.Events[0].At; !at.Equal(s.w.Now) {
			s.say("(%s)", at.Format("Mon 15:04"))
		}
		for _, e := range d.Events {
			s.say("%s", s.w.Read(Machine().Tell(e)))
		}
		var who []string
		for _, c := range d.Fresh {
			name := s.w.People[c.Recipient].Name
			if c.Recipient == "COPS" {
				name = "#ops"
			}
			if c.Name != cardMain {
				name += " (" + c.Name + ")"
			}
			who = append(who, name)
		}
		if len(who) > 0 {
			s.say("new: %s", strings.Join(who, ", "))
		}
		if d.Before.StageName() != d.After.StageName() {
			s.stage(d.After)
		}
	}
	if len(s.out) == 0 {
		s.say("nothing changes")
	}
}

func (s *script) stage(at State) {
	out, view := "== "+at.StageName(), Machine().View(at)
	if len(view.Waiting) > 0 {
		out += ", waits for " + s.w.Read(workflows.Mentions(view.Waiting))
	}
	for _, t := range view.Timers {
		out += "; " + t.Name + " " + t.At.Format("Mon 02 15:04")
	}
	s.say("%s", out)
}

func (s *script) card(recipient string) {
	for _, c := range s.w.View.Cards {
		if c.Recipient != recipient || c.Under != "" {
			continue
		}
		s.say("%s: %s", c.Name, s.w.Read(c.Fallback))
		for _, l := range slices.Concat([]string{"*" + c.Title}, c.Lines, c.Facts) {
			s.say("  %s", s.w.Read(l))
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
