package loops

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

// change turns a decision into what must be stored: events and state, and the difference between
// what the world shows for the old state and what it should show for the new one. It answers nil
// when there is nothing to store.
func (d *Desk) change(m workflows.Machine, cmd workflows.Command, at scene, dec workflows.Decision) (*workflows.Change,
	error) {
	if len(dec.Events) == 0 {
		if !settles(cmd) {
			return refreshed(cmd, at, dec.Refresh), nil
		}
		dec.Events = []workflows.Event{answered(cmd)}
	}
	dec.Events = slices.Clone(dec.Events)
	last := &dec.Events[len(dec.Events)-1]
	for _, call := range dec.Calls {
		call.Account = cmp.Or(call.Account, cmd.Account)
		last.Calls = append(last.Calls, call)
	}
	c := &workflows.Change{Workflow: cmd.Workflow, Account: cmd.Account}
	next, err := d.records(m, cmd, at, dec, c)
	if err != nil {
		return nil, err
	}
	before, after := at.view, m.View(next)
	version := at.workflow.Version + uint64(len(dec.Events))
	showCards(c, cmd, before.Cards, after.Cards, dec.Refresh, version)
	keepWatches(c, cmd, before.Watches, after.Watches)
	setTimers(c, cmd, before.Timers, after.Timers)
	c.WaitingFor, c.NotWaitingFor = compare(before.Waiting, after.Waiting)
	for i := range dec.Calls {
		c.Append = append(c.Append, workflows.CallEffect(cmd.Workflow, *last, version, i))
	}
	open, isOpen := at.state.Opened() && !at.state.Closed(), !next.Closed()
	switch {
	case cmd.Account == "": // the ledger is nobody's
	case isOpen && !open:
		c.Open = 1
	case open && !isOpen:
		c.Open = -1
	}
	if cmd.Answers != nil && cmd.Timer == nil && cmd.Answers.Effect.Every == 0 {
		c.Answers = cmd.Answers
	}
	return c, nil
}

// answered is that event; its Command names the call.
func answered(cmd workflows.Command) workflows.Event {
	return workflows.Event{Type: workflows.Answered, At: cmd.At, By: cmd.Actor, Command: cmd.ID,
		Body: json.RawMessage("{}")}
}

// settles reports whether the command is the answer to a call, as opposed to what a watch learned.
func settles(c workflows.Command) bool {
	return (c.Name == workflows.CmdReceipt || c.Name == cmdAnswered) && c.Answers != nil &&
		c.Answers.Effect.Kind == workflows.EffectCall
}

// cmdAnswered settles a call whose answer is for nobody to decide on, as when another workflow was told something.
const cmdAnswered = "answered"

// records appends the events of workflow and account and answers the workflow's new state.
func (d *Desk) records(m workflows.Machine, cmd workflows.Command, at scene, dec workflows.Decision,
	c *workflows.Change) (workflows.State, error) {
	next := at.state
	events := slices.Clone(dec.Events)
	var err error
	for i := range events {
		events[i].Seq = at.workflow.Version + uint64(i) + 1
		if next, err = workflows.Apply(m, next, events[i]); err != nil {
			return nil, fmt.Errorf("apply %s: %w", events[i].Type, err)
		}
	}
	raw, err := json.Marshal(next)
	if err != nil {
		return nil, fmt.Errorf("encode state of %s: %w", cmd.Workflow, err)
	}
	from := at.workflow
	from.Ref = workflows.RecordRef(cmd.Workflow)
	c.Records = append(c.Records, workflows.RecordChange{From: from, State: raw, Schema: m.Schema(), Machine: m.Name(),
		Events: events})
	if len(dec.Account) == 0 {
		return next, nil
	}
	rc, err := accountChange(cmd, at, dec.Account)
	if err != nil {
		return nil, err
	}
	c.Records = append(c.Records, rc)
	return next, nil
}

// accountChange appends events to the account's record; the first of all says what the configuration said.
func accountChange(cmd workflows.Command, at scene, events []workflows.Event) (workflows.RecordChange, error) {
	events = slices.Clone(events)
	if at.record.Version == 0 {
		seen := cmd.Event(workflows.AccountSeen, workflows.AccountState{ID: at.account.ID, Owner: at.account.Owner,
			By: workflows.ByConfiguration})
		seen.By = workflows.Actor{Kind: workflows.ByKeyholder}
		events = append([]workflows.Event{seen}, events...)
	}
	state := at.account
	var err error
	for i := range events {
		events[i].Seq = at.record.Version + uint64(i) + 1
		if state, err = workflows.ApplyAccount(state, events[i]); err != nil {
			return workflows.RecordChange{}, err
		}
	}
	raw, err := json.Marshal(state)
	if err != nil {
		return workflows.RecordChange{}, fmt.Errorf("encode account %s: %w", cmd.Account, err)
	}
	from := at.record
	from.Ref = workflows.Ref{Kind: workflows.KindAccount, ID: cmd.Account}
	return workflows.RecordChange{From: from, State: raw, Schema: workflows.AccountSchema,
		Machine: workflows.KindAccount, Events: events}, nil
}

// accountState reads the state of an account's record, folding it anew where its seal does not hold.
func (d *Desk) accountState(ctx context.Context, r workflows.Record) (workflows.AccountState, error) {
	return workflows.StateOf(ctx, d.o.Store, r, workflows.ApplyAccount)
}

// personState reads the state of a person's record, folding it anew where its seal does not hold.
func (d *Desk) personState(ctx context.Context, r workflows.Record) (workflows.PersonState, error) {
	return workflows.StateOf(ctx, d.o.Store, r, workflows.ApplyPerson)
}

// refreshed shows some people's cards again as they stand.
func refreshed(cmd workflows.Command, at scene, people []string) *workflows.Change {
	if len(people) == 0 || !at.state.Opened() {
		return nil
	}
	c := &workflows.Change{Workflow: cmd.Workflow, Account: cmd.Account}
	showCards(c, cmd, at.view.Cards, at.view.Cards, people, at.workflow.Version)
	if len(c.Put) == 0 {
		return nil
	}
	return c
}

// cardsEffect names the cards of one lane of a workflow. Whose account it is, says the state when they are delivered.
func cardsEffect(cmd workflows.Command, lane int, version uint64) workflows.Effect {
	return workflows.Effect{Kind: workflows.EffectCards, Workflow: cmd.Workflow, Key: cardsKey(cmd.Workflow, lane),
		Lane:     lane,
		Made:     cmd.At,
		Revision: version}
}

func cardsKey(workflow string, lane int) string { return fmt.Sprintf("cards/%s/%d", workflow, lane) }

// laneOf is where a card is delivered.
func laneOf(c workflows.Card) int {
	if c.Bulk {
		return workflows.LaneBulk
	}
	return workflows.LanePeople
}

// blockMachine names the machine in the block of a card's buttons: the prefix of their action_ids,
// which is the machine's name unless one machine's cards carry the buttons of another, as findings
// carry those of access.
func blockMachine(m workflows.Machine, card workflows.Card) string {
	if len(card.Buttons) == 0 {
		return m.Name()
	}
	prefix, _, _ := strings.Cut(card.Buttons[0].Action, ".")
	return prefix
}

// showCards asks for the lanes in which a card is another than before, or is to be shown again. A
// card that the new view lacks stays as it is: views keep their cards.
func showCards(c *workflows.Change, cmd workflows.Command, before, after []workflows.Card, refresh []string,
	version uint64) {
	old := map[string]workflows.Card{}
	for _, card := range before {
		old[workflows.PlaceName(card.Name, card.Recipient)] = card
	}
	var due [2]bool
	for _, card := range after {
		was, shown := old[workflows.PlaceName(card.Name, card.Recipient)]
		again := card.Under == "" && slices.Contains(refresh, card.Recipient)
		if again {
			c.Stale = append(c.Stale, workflows.PlaceName(card.Name, card.Recipient))
		}
		if again || !shown || !reflect.DeepEqual(was, card) {
			due[laneOf(card)] = true
		}
	}
	for lane, yes := range due {
		if yes {
			c.Put = append(c.Put, cardsEffect(cmd, lane, version))
		}
	}
}

// keepWatches replaces watches whose call changed and drops those no longer wanted.
func keepWatches(c *workflows.Change, cmd workflows.Command, before, after []workflows.Watch) {
	old := map[string]workflows.Watch{}
	for _, w := range before {
		old[w.Name] = w
	}
	for _, w := range after {
		was, running := old[w.Name]
		delete(old, w.Name)
		if running && reflect.DeepEqual(was, w) {
			continue
		}
		c.Put = append(c.Put, watchEffect(cmd, w))
	}
	for _, w := range before {
		if _, gone := old[w.Name]; gone {
			c.Drop = append(c.Drop, watchKey(cmd.Workflow, w.Name))
		}
	}
}

// watchEffect names a watch of a workflow.
func watchEffect(cmd workflows.Command, w workflows.Watch) workflows.Effect {
	return workflows.Effect{Kind: workflows.EffectWatch, Workflow: cmd.Workflow, Account: cmd.Account,
		Key:   watchKey(cmd.Workflow, w.Name),
		Lane:  workflows.LaneBulk,
		Watch: w.Name, Every: w.Every}
}

func watchKey(workflow, name string) string { return "watch/" + workflow + "/" + name }

func setTimers(c *workflows.Change, cmd workflows.Command, before, after []workflows.Timer) {
	for i := range after {
		after[i].Workflow = cmd.Workflow
	}
	for _, t := range before {
		if !wants(workflows.View{Timers: after}, t) {
			c.TimersGone = append(c.TimersGone, workflows.Timer{Workflow: cmd.Workflow, Name: t.Name, At: t.At})
		}
	}
	// All of them, new or not: one that somebody removed is there again. Setting one that is there changes nothing.
	for _, t := range after {
		if cmd.Timer == nil || t.Name != cmd.Timer.Name || !t.At.Equal(cmd.Timer.At) {
			c.TimersSet = append(c.TimersSet, t)
		}
	}
}

// compare answers what came and what went.
func compare(before, after []string) (came, went []string) {
	for _, p := range after {
		if !slices.Contains(before, p) && !slices.Contains(came, p) {
			came = append(came, p)
		}
	}
	for _, p := range before {
		if !slices.Contains(after, p) && !slices.Contains(went, p) {
			went = append(went, p)
		}
	}
	return came, went
}
