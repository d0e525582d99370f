package loops_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/keyholder/keyholder/workflows"
)

// A master that is cut off from its replicas shows what it alone has: that is no reason to say that
// anything is recorded.
func TestWhatNoReplicaConfirmsIsNeverSaidToBeRecorded(t *testing.T) {
	r := newRoad(t)
	id := r.open("view-1")
	events, err := r.store.Events(context.Background(), workflows.RecordRef(id), 0)
	if err != nil {
		t.Fatal(err)
	}
	r.store.unconfirmed = true
	again := workflows.Command{ID: events[0].Command, Workflow: id, Account: "acme", Name: "tally.request",
		At: r.clock(), Round: workflows.NoRound, Submitted: true,
		Actor: workflows.Actor{Kind: workflows.ByPerson, ID: "U0DEE"}}
	if reply, err := r.Do(context.Background(), again); !errors.Is(err, workflows.ErrUnclear) {
		t.Errorf("a form sent again: %+v, %v", reply, err)
	}
	r.store.after = func(workflows.Change) error { return fmt.Errorf("no replica: %w", workflows.ErrUnclear) }
	for range 2 {
		if reply, err := r.click(id, "U0ANA", "c1"); !errors.Is(err, workflows.ErrUnclear) {
			t.Errorf("a click that only the master has: %+v, %v", reply, err)
		}
	}
	r.store.unconfirmed, r.store.after = false, nil
	if reply, err := r.Do(context.Background(), again); err != nil || reply.Link != id {
		t.Errorf("with a replica: %+v, %v", reply, err)
	}
}
