package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/keyholder/keyholder/cmd/keyholder/serve"
	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/workflows"
)

type eraseCmd struct {
	configFlag
	Person string   `arg:"" help:"The person's Slack ID, or an address."`
	Also   []string `name:"also" sep:"none" placeholder:"TEXT" help:"Another Slack ID, address or full name of the same person; may be given several times."`
	By     string   `name:"by" required:"" help:"By whose word, as it is to stand in the record."`
	Why    string   `name:"why" required:"" help:"Why, as it is to stand in the record."`
	Yes    bool     `name:"yes" help:"Erase. It cannot be taken back."`
}

// slackID is a person's ID at Slack.
var slackID = regexp.MustCompile(`^[UW][A-Z0-9]{3,}$`)

// subject is the person as the command names them. Every erasure has a name of its own for them, by
// chance: whoever knows the person cannot make it.
func (c eraseCmd) subject() (workflows.Subject, error) {
	s := workflows.Subject{As: "U0ERASED" + rand.Text()[:8]}
	for i, name := range append([]string{c.Person}, c.Also...) {
		name = strings.TrimSpace(name)
		switch {
		case slackID.MatchString(name):
			s.IDs = append(s.IDs, name)
		case strings.Contains(name, "@") && !strings.ContainsAny(name, " <>"):
			s.Texts = append(s.Texts, name)
		case i > 0 && len(name) >= 5 && strings.Contains(name, " "):
			s.Texts = append(s.Texts, name)
		default:
			return s, fmt.Errorf(
				"%.80q is neither a Slack ID, as U0ANA, nor an address, nor (by --also) a full name of two words", name)
		}
	}
	by := c.By + "\n" + c.Why
	switch {
	case strings.TrimSpace(c.By) == "", strings.TrimSpace(c.Why) == "":
		return s, errors.New("--by and --why are empty: say by whose word and why; both stay in the record")
	case s.Names(by):
		return s, errors.New("--by or --why names the person: both stay in the record, so say it without")
	case len(by) > 1000:
		return s, errors.New("--by and --why are longer than 1000 characters")
	}
	return s, nil
}

// Run erases a person from every record, or says what that would be.
func (c eraseCmd) Run(w *world) error {
	s, err := c.subject()
	if err != nil {
		return exitError{exitUsage, err.Error()}
	}
	st, err := c.open(w)
	if err != nil {
		return err
	}
	defer st.Close()
	if standing := st.Standing(); standing == store.SealedElsewhere || standing == store.SealedOnce {
		return exitError{exitFault,
			"the record's seal and KEYHOLDER_SEAL_KEY do not agree: set the key as for keyholder run"}
	}
	body := workflows.Erased{As: s.As, By: strings.TrimSpace(c.By), Why: strings.TrimSpace(c.Why)}
	plan, err := c.plan(w, st, s, body)
	if err != nil {
		return err
	}
	if len(plan) == 0 {
		fmt.Fprintln(w.out, "… the record names nobody of that ID, address or name: nothing was erased")
		return nil
	}
	for _, r := range plan {
		fmt.Fprintf(w.out, "… %s %s: %s, %s\n", r.Ref.Kind, r.Ref.ID, count(len(r.Instead), "event"),
			count(len(r.Places), "card"))
	}
	if !c.Yes {
		fmt.Fprintf(w.out, "… nothing was erased yet: with --yes the person is called %s in these places. It cannot be taken back\n", s.As)
		return nil
	}
	events := 0
	for _, r := range plan {
		if err := st.Redact(w.ctx, r); err != nil {
			return fmt.Errorf("%s: %w; run it again: what was erased by now stays erased", r.Ref, err)
		}
		events += len(r.Instead)
	}
	left, err := c.plan(w, st, s, body)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return exitError{exitFault, fmt.Sprintf("%s came to name them meanwhile: run it again",
			count(len(left), "record"))}
	}
	fmt.Fprintf(w.out, "✓ erased: %s in %s; they are %s there now. keyholder audit verify names it\n",
		count(events, "event"), count(len(plan), "record"), s.As)
	fmt.Fprintln(w.out, "… what stays: messages in Slack; Redis's files until BGREWRITEAOF and the next snapshot; copies made before; "+
		"a Slack ID as the name of its record of delegations, which checkpoints list")
	return nil
}

// plan finds what is to be erased. What has to end first is printed.
func (c eraseCmd) plan(w *world, st *store.Store, s workflows.Subject, b workflows.Erased) ([]workflows.Redaction,
	error) {
	refs, err := st.Refs(w.ctx, "")
	if err != nil {
		return nil, fmt.Errorf("list the records: %w", err)
	}
	plan, refused, err := workflows.PlanErasure(w.ctx, st, serve.Machines(), refs, s, b, time.Now())
	if err != nil {
		return nil, fmt.Errorf("erase: %w", err)
	}
	for _, sentence := range refused {
		fmt.Fprintln(w.out, "✗ "+sentence)
	}
	if len(refused) > 0 {
		return nil, exitError{exitFault, fmt.Sprintf("nothing was erased: %s in the way", count(len(refused), "thing"))}
	}
	return plan, nil
}
