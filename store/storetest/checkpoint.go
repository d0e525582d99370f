package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/chain"
	"github.com/keyholder/keyholder/workflows/loops"
	"github.com/keyholder/keyholder/workflows/record"
)

// Checkpoint has the next checkpoint of a store made and stored, by the machine that makes them, as
// if its time had come. It opens the ledger if need be, at the time began.
func Checkpoint(t testing.TB, s Subject, began time.Time) chain.Checkpoint {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	id := workflows.LedgerID(s.Shards())
	now := began
	desk := loops.NewDesk(loops.DeskOptions{Store: s, Machines: []workflows.Machine{record.Checkpoints{}},
		Policies: noPolicies{},
		Now:      func() time.Time { return now }, Log: zerolog.Nop()})
	do := func(cmd workflows.Command) {
		t.Helper()
		cmd.ID, cmd.Workflow, cmd.At, cmd.Round = fmt.Sprint(cmd.Name, now), id, now, workflows.NoRound
		if _, err := desk.Do(ctx, cmd); err != nil {
			t.Fatalf("%s: %v", cmd.Name, err)
		}
	}
	state := func() record.CheckpointsState {
		t.Helper()
		st, err := desk.State(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		return st.(record.CheckpointsState)
	}
	if _, err := desk.State(ctx, id); errors.Is(err, workflows.ErrNoWorkflow) {
		do(workflows.Command{Name: record.OpenLedger, Actor: workflows.Actor{Kind: workflows.ByKeyholder}})
	}
	now = state().Next
	do(workflows.Command{Name: workflows.CmdTimer, Timer: &workflows.Timer{Workflow: id, Name: "checkpoint", At: now}})
	drawn, err := s.DrawCheckpoint(ctx, now, func() error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	do(workflows.Command{Name: workflows.CmdReceipt, Receipt: &workflows.Receipt{OK: true, Drawn: &drawn}})
	return state().Last
}

type noPolicies struct{}

func (noPolicies) Policy(string) (workflows.Policy, bool) { return workflows.Policy{}, false }
func (noPolicies) Accounts() []string                     { return nil }
