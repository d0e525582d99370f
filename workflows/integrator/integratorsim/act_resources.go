package integratorsim

import (
	"fmt"
	"slices"
	"time"
)

// flows are the one named, or all of the integration named.
func (x *scene) flows() ([]doc, error) {
	if x.Integration != "" {
		if list := x.env.flowsOf(x.Integration); len(list) > 0 {
			return list, nil
		}
	}
	if f := x.env.find("flows", x.Flow); f != nil {
		return []doc{f}, nil
	}
	return nil, fmt.Errorf("there is no flow %q and no flow of an integration %q: %w", x.Flow, x.Integration, errNoSuch)
}

// actErrors sets the open errors of a flow; of an integration, they stand at its first flow.
func (x *scene) actErrors() (Result, error) {
	list, err := x.flows()
	if err != nil {
		return Result{}, err
	}
	if x.Count < 0 || x.Count > 10_000 {
		return Result{}, fmt.Errorf("count %d is not between 0 and 10000", x.Count)
	}
	for i, f := range list {
		n := x.Count
		if i > 0 {
			n = 0
		}
		x.s.setErrors(x.env, f, n)
	}
	return Result{}, nil
}

func (x *scene) startJobs() (Result, error) {
	list, err := x.flows()
	if err != nil {
		return Result{}, err
	}
	var id string
	for range min(max(x.Count, 1), 1000) {
		id = x.s.startJob(x.env, list[0])
	}
	return Result{ID: id}, nil
}

func (x *scene) actEndJobs() (Result, error) {
	list, err := x.flows()
	if err != nil {
		return Result{}, err
	}
	for _, f := range list {
		x.s.endJobs(x.env, f)
	}
	return Result{}, nil
}

// register adds a connection to an integration or takes it off; without an integration it stays with its first only.
func (x *scene) register(on bool) (Result, error) {
	if x.env.find("connections", x.Connection) == nil {
		return Result{}, fmt.Errorf("there is no connection %q: %w", x.Connection, errNoSuch)
	}
	off := x.env.integrationsUsing(x.Connection)
	if x.Integration != "" {
		if x.env.find("integrations", x.Integration) == nil {
			return Result{}, fmt.Errorf("there is no integration %q: %w", x.Integration, errNoSuch)
		}
		off = []string{x.Integration}
	} else if on {
		return Result{}, fmt.Errorf("an integration is needed")
	} else if len(off) > 0 {
		off = off[1:]
	}
	for _, id := range off {
		in := x.env.find("integrations", id)
		ids := slices.DeleteFunc(x.env.connectionsOf(id), func(y string) bool { return y == x.Connection })
		if on {
			ids = append(ids, x.Connection)
		}
		list := make([]any, 0, len(ids))
		for _, y := range ids {
			list = append(list, y)
		}
		in["_registeredConnectionIds"] = list
	}
	return Result{ID: x.Connection}, nil
}

func (x *scene) shareStack(on bool) (Result, error) {
	if x.env.find("stacks", x.Stack) == nil {
		return Result{}, fmt.Errorf("there is no stack %q: %w", x.Stack, errNoSuch)
	}
	x.env.StackShares = slices.DeleteFunc(x.env.StackShares, func(h *stackShare) bool {
		return h.StackID == x.Stack && (x.Email == "" || h.Person == x.s.world.personByEmail(x.Email))
	})
	if !on {
		return Result{ID: x.Stack}, nil
	}
	p, err := x.person()
	if err != nil {
		return Result{}, err
	}
	h := &stackShare{ID: x.s.newID(), StackID: x.Stack, Person: p, Accepted: true, CreatedAt: x.s.opts.Now(),
		Modified: x.s.opts.Now()}
	x.env.StackShares = append(x.env.StackShares, h)
	return Result{ID: h.ID}, nil
}

func (x *scene) onToken(do func(*token)) (Result, error) {
	for _, t := range x.s.world.Tokens {
		if t.ID == x.Token && t.AccountID == x.acct.ID {
			do(t)
			t.Modified = x.s.opts.Now()
			x.auditToken(t, "update", x.by)
			return Result{ID: t.ID}, nil
		}
	}
	return Result{}, fmt.Errorf("the account has no token with the ID %q: %w", x.Token, errNoSuch)
}

// makeToken makes an API token, as the page does: Role full (the default), custom or personal,
// Email whose a personal one is, Count in how many days it ends, 0 for never (a personal one: after
// 90 days).
func (x *scene) makeToken() (Result, error) {
	t := Token{Name: x.Name, Kind: OwnerToken, Maker: x.Email, PurgeAfter: time.Duration(x.Count) * 24 * time.Hour}
	switch x.Role {
	case "", "full":
	case "custom":
		t.Kind = CustomToken
	case "personal":
		t.Kind = PersonalToken
	default:
		return Result{}, fmt.Errorf("a token is full, custom or personal, not %q", x.Role)
	}
	if x.Name == "" || x.Count < 0 || t.Kind == PersonalToken && x.s.world.personByEmail(x.Email) == nil {
		return Result{}, fmt.Errorf(
			"a token needs a name, a personal one the address of its maker, and ends in some days: %w", errNoSuch)
	}
	made, by := x.s.addToken(x.acct, x.env, t), x.by
	if made.Person != nil { // nobody makes a personal one for somebody else
		by = made.Person
	}
	x.auditToken(made, "create", by)
	return Result{ID: made.ID}, nil
}

func (x *scene) auditToken(t *token, event string, by *person) {
	x.acct.audit(x.s, auditEntry{ResourceType: "accesstoken", ResourceID: t.ID, Source: "ui", Event: event,
		ByUser: by.identity(), EnvID: x.env.ID}, x.s.opts.Now())
}
