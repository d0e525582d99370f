package bot

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/key"
	"github.com/keyholder/keyholder/workflows/tokens"
)

// What `key` can do besides telling how it stands.
const (
	keyUse   = "use"
	keyDrill = "drill"
)

// wordKey tells who can use the owner's sign-in, or takes it out, or starts a drill:
// "[account] [use|drill]".
func (v *visit) wordKey(ctx context.Context, rest string) (workflows.Reply, error) {
	do, named := "", []string{}
	for _, w := range strings.Fields(rest) {
		if bare := strings.ToLower(strings.Trim(w, "`\"'“”.,!?")); do == "" && (bare == keyUse || bare == keyDrill) {
			do = bare
			continue
		}
		named = append(named, w)
	}
	a, _, err := v.find(ctx, strings.Join(named, " "))
	if err != nil {
		return workflows.Reply{}, err
	}
	if err := v.mayKey(ctx, a, do != ""); err != nil {
		return workflows.Reply{}, err
	}
	switch do {
	case keyUse:
		if r := key.Taken(a.Policy, a.State); r != nil {
			return workflows.Reply{}, r
		}
		return v.request(ctx, "key", a.Policy.ID)
	case keyDrill:
		return v.startDrill(ctx, a)
	}
	return v.keyStatus(ctx, a)
}

// mayKey refuses who may not: holders, keepers and administrators act; auditors may look, too.
func (v *visit) mayKey(ctx context.Context, a workflows.AccountInfo, act bool) error {
	ids := slices.Concat(a.Policy.HolderIDs(), a.Policy.Admins)
	for _, alias := range a.Policy.Aliases {
		ids = append(ids, alias.Keepers()...)
	}
	who := "holders, keepers and administrators"
	if !act {
		ids = append(ids, a.Policy.Auditors...)
		who = "holders, keepers, administrators and auditors"
	}
	if v.isOneOf(ctx, ids) {
		return nil
	}
	return workflows.Refuse("not_permitted", "The key of "+workflows.Esc(a.Policy.Name)+" is for its "+who+
		". Nothing was recorded. If nobody can sign in as the owner any more: "+
		v.b.fill("`{command} recover "+a.Policy.ID+"`."))
}

// isOneOf reports whether whoever asks is among people and members of groups.
func (v *visit) isOneOf(ctx context.Context, ids []string) bool {
	for _, id := range ids {
		if id == v.who.user {
			return true
		}
		if !workflows.IsGroup(id) {
			continue
		}
		if members, err := v.b.people.Group(ctx, id); err == nil && slices.Contains(members, v.who.user) {
			return true
		}
	}
	return false
}

// keyStatus tells what the record knows of the key.
func (v *visit) keyStatus(ctx context.Context, a workflows.AccountInfo) (workflows.Reply, error) {
	id, err := v.b.o.Desk.NewWorkflowID("keywatch", a.Policy.ID, "keywatch")
	if err != nil {
		return workflows.Reply{}, err
	}
	var watch key.WatchState
	s, err := v.b.o.Desk.State(ctx, id)
	if err != nil && !errors.Is(err, workflows.ErrNoWorkflow) {
		return workflows.Reply{}, err
	}
	if w, is := s.(key.WatchState); is {
		watch = w
	}
	lines := key.Status(a.Policy, a.State, watch)
	if own := v.tokens(ctx, a.Policy.ID).Own(); a.Policy.Token && own.Known {
		lines[len(lines)-1] = own.Sentence() // the key's machine knows only that there is one
	}
	return say(v.b.fill(strings.Join(lines, "\n"))), nil
}

// tokens is what is known of an account's API tokens; nothing where they were never looked at.
func (v *visit) tokens(ctx context.Context, account string) tokens.State {
	id, err := v.b.o.Desk.NewWorkflowID("tokens", account, "tokens")
	if err != nil {
		return tokens.State{}
	}
	state, err := v.b.o.Desk.State(ctx, id)
	s, is := state.(tokens.State)
	if err != nil || !is {
		return tokens.State{}
	}
	return s
}

// startDrill opens a drill; whether the person may is the machine's to say.
func (v *visit) startDrill(ctx context.Context, a workflows.AccountInfo) (workflows.Reply, error) {
	once := strings.Join([]string{"slash", v.who.team, v.who.user, cmp.Or(v.who.trigger, v.ack.envelope)}, "/")
	id, err := v.b.o.Desk.NewWorkflowID("drill", a.Policy.ID, once)
	if err != nil {
		return workflows.Reply{}, err
	}
	return v.b.o.Desk.Do(ctx, workflows.Command{ID: once, Name: key.DrillRequest, Workflow: id, Account: a.Policy.ID,
		Submitted: true,
		Actor:     v.who.actor(), At: v.b.at(), Round: workflows.NoRound})
}
