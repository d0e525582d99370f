package integrator

import (
	"context"
	"slices"

	"github.com/keyholder/keyholder/workflows"
)

type person struct {
	Email string `json:"email"`
}

// stackShare is a share of a stack: one given names the user and the stack's ID, one received the stack and its owner.
type stackShare struct {
	StackID   string `json:"_stackId"`
	Accepted  *bool  `json:"accepted"` // absent on some
	Dismissed bool   `json:"dismissed"`
	Disabled  bool   `json:"disabled"`
	To        person `json:"sharedWithUser"`
	From      person `json:"ownerUser"`
	Stack     struct {
		ID   string `json:"_id"`
		Name string `json:"name"`
	} `json:"stack"`
}

// live reports whether the share is there, be it not accepted yet; used whether its user has it, too.
func (s stackShare) live() bool { return !s.Dismissed && !s.Disabled && s.stack() != "" }

func (s stackShare) used() bool { return s.live() && (s.Accepted == nil || *s.Accepted) }

func (s stackShare) stack() string {
	if s.Stack.ID != "" {
		return s.Stack.ID
	}
	return s.StackID
}

// stackGaps names the stacks that the present owner may use by a share and the target, as far as can be seen, may not.
func (s *session) stackGaps(ctx context.Context, owner, target string) ([]string, error) {
	received, _, err := listOf[stackShare](ctx, s, "/v1/shared/sshares", nil, fewRows)
	if err != nil {
		return nil, err
	}
	given, _, err := listOf[stackShare](ctx, s, "/v1/sshares", nil, fewRows)
	if err != nil {
		return nil, err
	}
	missing := gaps(received, given, owner, target)
	if len(missing) == 0 {
		return nil, nil
	}
	names, err := s.stackNames(ctx, missing)
	if err != nil {
		return nil, err
	}
	var out []string
	for id, name := range missing {
		out = append(out, nameOr(name, nameOr(names[id], id)))
	}
	slices.Sort(out)
	return out, nil
}

// gaps answers the missing stacks by ID, with the name where the share has it.
func gaps(received, given []stackShare, owner, target string) map[string]string {
	missing := map[string]string{}
	for _, sh := range received {
		if sh.used() && !workflows.SameEmail(sh.From.Email, target) {
			missing[sh.stack()] = sh.Stack.Name
		}
	}
	for _, sh := range given {
		if owner != "" && sh.used() && workflows.SameEmail(sh.To.Email, owner) {
			missing[sh.stack()] = nameOr(missing[sh.stack()], sh.Stack.Name)
		}
	}
	for _, sh := range given {
		if sh.live() && workflows.SameEmail(sh.To.Email, target) {
			delete(missing, sh.stack())
		}
	}
	return missing
}

// stackNames reads the account's own stacks, if a name is missing at all.
func (s *session) stackNames(ctx context.Context, missing map[string]string) (map[string]string, error) {
	out := map[string]string{}
	for _, name := range missing {
		if name != "" {
			continue
		}
		type stack struct {
			ID   string `json:"_id"`
			Name string `json:"name"`
		}
		all, _, err := listOf[stack](ctx, s, "/v1/stacks", nil, fewRows)
		for _, st := range all {
			out[st.ID] = st.Name
		}
		if refusedForGood(err) {
			err = nil // the IDs have to do
		}
		return out, err
	}
	return out, nil
}

// ssoEnabled reads the account's single sign-on client. There is at most one, and an empty answer means none.
func (s *session) ssoEnabled(ctx context.Context) (bool, error) {
	type client struct {
		Disabled bool `json:"disabled"`
	}
	all, _, err := listOf[client](ctx, s, "/v1/ssoclients", nil, fewRows)
	return slices.ContainsFunc(all, func(c client) bool { return !c.Disabled }), err
}
