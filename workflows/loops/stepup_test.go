package loops_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/loops"
)

// heavy is a small workflow that tells its weight, which step_up can name.
type heavy struct{ small }

type heavyState struct{ smallState }

// Narrows implements workflows.Narrowed.
func (s heavyState) Narrows() []string { return []string{"count" + string(rune('0'+s.Count))} }

func (heavy) New() workflows.State { return heavyState{} }

func (h heavy) Decode(raw []byte) (workflows.State, error) {
	s, err := h.small.Decode(raw)
	if err != nil {
		return nil, err
	}
	return heavyState{s.(smallState)}, nil
}

func (h heavy) Apply(s workflows.State, e workflows.Event) (workflows.State, error) {
	next, err := h.small.Apply(s.(heavyState).smallState, e)
	if err != nil {
		return nil, err
	}
	return heavyState{next.(smallState)}, nil
}

func (h heavy) View(s workflows.State) workflows.View { return h.small.View(s.(heavyState).smallState) }

type askingPolicy struct {
	onePolicy
	names []string
}

func (p askingPolicy) Policy(id string) (workflows.Policy, bool) {
	policy, ok := p.onePolicy.Policy(id)
	policy.StepUp = p.names
	return policy, ok
}

// proofsFor is a desk whose account names clicks.
func proofsFor(t *testing.T, names ...string) (*road, func(name, n string, proof *workflows.StepUp) error) {
	r := newRoad(t)
	d := loops.NewDesk(loops.DeskOptions{Store: r.store, Machines: []workflows.Machine{heavy{small{1}}},
		Roster:   r,
		Policies: askingPolicy{names: names}, Now: r.clock, Log: zerolog.Nop()})
	r.Desk = d
	id, err := d.NewWorkflowID("small", "acme", "one")
	if err != nil {
		t.Fatal(err)
	}
	return r, func(name, n string, proof *workflows.StepUp) error {
		_, err := d.Do(t.Context(), workflows.Command{ID: n, Workflow: id, Account: "acme", Name: name, At: r.clock(),
			Actor: workflows.Actor{Kind: workflows.ByPerson, ID: "U0ANA", StepUp: proof}, Round: workflows.NoRound})
		return err
	}
}

func wanted(err error) bool {
	_, ok := errors.AsType[*workflows.StepUpWanted](err)
	return ok
}

func TestOnlyWhatAnAccountNamesWaitsForAProof(t *testing.T) {
	proof := &workflows.StepUp{Issuer: "https://idp.example", Subject: "abc", AuthTime: epoch}
	r, do := proofsFor(t, "small.count:count2", "delegate")
	if err := do("small.request", "open", nil); err != nil {
		t.Fatalf("an opening that nobody named: %v", err)
	}
	if err := do("small.count", "first", nil); err != nil {
		t.Fatalf("a count that leads to one, where two is named: %v", err)
	}
	before := r.store.writes
	if err := do("small.count", "second", nil); !wanted(err) {
		t.Fatalf("a count that leads to two: %v", err)
	}
	if r.store.writes != before {
		t.Error("something was stored before the proof")
	}
	if err := do("small.count", "second", proof); err != nil {
		t.Fatalf("with a proof: %v", err)
	}
	// The event of it, and no other, keeps the proof.
	story, err := r.Story(t.Context(), wf(r, t))
	if err != nil {
		t.Fatal(err)
	}
	var kept []bool
	for _, l := range story {
		kept = append(kept, l.By.StepUp != nil && l.By.StepUp.Subject == "abc")
	}
	if len(kept) != 3 || kept[0] || kept[1] || !kept[2] {
		t.Errorf("proofs in the story: %v", kept)
	}
}

func wf(r *road, t *testing.T) string {
	t.Helper()
	id, err := r.NewWorkflowID("small", "acme", "one")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestAnOpeningCanBeNamedAndTheSentenceSaysWhat(t *testing.T) {
	_, do := proofsFor(t, "small.request")
	err := do("small.request", "open", nil)
	w, ok := errors.AsType[*workflows.StepUpWanted](err)
	if !ok || w.Account != "acme" || !strings.Contains(w.About, "Small (`b") {
		t.Fatalf("%v %+v", err, w)
	}
}

func TestGivingOnesWordAwayCanBeNamedAndTakingItBackCannot(t *testing.T) {
	r, _ := proofsFor(t, workflows.StepDelegate)
	give := func(to string, proof *workflows.StepUp) error {
		who := workflows.Actor{Kind: workflows.ByPerson, ID: "U0ANA", StepUp: proof}
		_, err := r.Delegate(t.Context(), workflows.Command{ID: "d/" + to, Name: "delegate", At: r.clock(), Actor: who,
			Round: workflows.NoRound}, to, time.Time{})
		return err
	}
	if err := give("U0BEN", nil); !wanted(err) {
		t.Errorf("without a proof: %v", err)
	}
	if err := give("U0ANA", nil); err == nil || wanted(err) {
		t.Errorf("what is refused anyway asked for a proof first: %v", err)
	}
	if err := give("U0BEN", &workflows.StepUp{Subject: "abc"}); err != nil {
		t.Errorf("with one: %v", err)
	}
	if err := give("", nil); err != nil {
		t.Errorf("ending it: %v", err)
	}
}
