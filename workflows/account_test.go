package workflows

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"
)

func accountEvent(t *testing.T, kind string, body any, at time.Time) Event {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return Event{Type: kind, At: at, Body: raw}
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestAccountRemembersItsOwnersAndLocks(t *testing.T) {
	events := []Event{
		accountEvent(t, AccountSeen, AccountState{ID: "acme", Owner: "jane@acme.example", By: "configuration"}, noon),
		accountEvent(t, LockTaken, Lock{Name: LockTransfer, Workflow: "t01-A"}, noon.Add(time.Hour)),
		accountEvent(t, OwnerChanged, OwnerChange{From: "jane@acme.example", To: "celigo@acme.example",
			Workflow: "t01-A", How: Verified}, noon.Add(2*time.Hour)),
		accountEvent(t, LockReleased, Lock{Name: LockTransfer, Workflow: "t01-A"}, noon.Add(2*time.Hour)),
	}
	want := []AccountState{
		{ID: "acme", Owner: "jane@acme.example", Since: noon, By: "configuration"},
		{ID: "acme", Owner: "jane@acme.example", Since: noon, By: "configuration",
			Locks: map[string]string{LockTransfer: "t01-A"}},
		{ID: "acme", Owner: "celigo@acme.example", Since: noon.Add(2 * time.Hour), By: "t01-A",
			Previous: "jane@acme.example", Locks: map[string]string{LockTransfer: "t01-A"}},
		{ID: "acme", Owner: "celigo@acme.example", Since: noon.Add(2 * time.Hour), By: "t01-A",
			Previous: "jane@acme.example", Locks: map[string]string{}},
	}
	var a AccountState
	for i, e := range events {
		before, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		next, err := ApplyAccount(a, e)
		if err != nil {
			t.Fatalf("%s: %v", e.Type, err)
		}
		if after, _ := json.Marshal(a); string(after) != string(before) {
			t.Errorf("%s changed the account it was given: %s", e.Type, after)
		}
		if !reflect.DeepEqual(next, want[i]) {
			t.Errorf("after %s: %+v, want %+v", e.Type, next, want[i])
		}
		a = next
	}
}

func TestAccountRefusesWhatItDoesNotKnow(t *testing.T) {
	if _, err := ApplyAccount(AccountState{}, Event{Type: "account.unheard_of", Body: []byte("{}")}); !errors.Is(err,
		ErrUnknownEvent) {
		t.Errorf("an unknown event: %v", err)
	}
	for _, kind := range []string{AccountSeen, OwnerChanged, LockTaken, LockReleased} {
		if _, err := ApplyAccount(AccountState{}, Event{Type: kind, Body: []byte("{")}); err == nil {
			t.Errorf("%s with a broken body was applied", kind)
		}
	}
}

// Releasing what nobody holds happens when a commit is retried; it changes nothing.
func TestReleasingAFreeLockChangesNothing(t *testing.T) {
	a, err := ApplyAccount(AccountState{ID: "acme"}, accountEvent(t, LockReleased, Lock{Name: LockTransfer}, noon))
	if err != nil || len(a.Locks) != 0 || a.ID != "acme" {
		t.Errorf("%+v, %v", a, err)
	}
}
