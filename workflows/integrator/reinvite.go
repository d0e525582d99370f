package integrator

import (
	"context"
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

// inviteAgain sends an invitation once more, which also takes back a decline. Who has accepted
// needs none. Each repetition is a mail, so a decline that is gone since this was decided, be it by
// an earlier delivery or by somebody's hand, is success without another one.
func (s *session) inviteAgain(ctx context.Context, call workflows.Call) (*workflows.Receipt, error) {
	if call.Email == "" {
		return nil, refuse(workflows.RefusedOther, "An invitation needs an address.")
	}
	list, err := s.users(ctx)
	if err != nil {
		return nil, err
	}
	listed, found := list.whom(call)
	if !found {
		return nil, s.notListed(list, call.Email)
	}
	now, _, found, err := s.ashare(ctx, listed.ID)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, s.notListed(list, call.Email)
	case now.Accepted || s.invitedAgain(call, now):
		return &workflows.Receipt{User: now.user()}, nil
	}
	receipt, err := s.reinvite(ctx, now)
	if code := status(err); !refusedForGood(err) || code == 0 || code == 401 || code == 403 {
		return receipt, err
	}
	// The record was older than it seemed, or integrator.io will not.
	after, _, found, again := s.ashare(ctx, now.ID)
	switch {
	case again != nil && !refusedForGood(again):
		return nil, again
	case again == nil && !found:
		return nil, s.notListed(list, call.Email)
	case again == nil && after.Accepted:
		return &workflows.Receipt{User: after.user()}, nil
	}
	return nil, err
}

// invitedAgain reports whether the record shows that the invitation was sent again since this was
// decided, or since this effect first looked: the answer said so, a decline is gone, or, after an
// unclear attempt, the record was written since.
func (s *session) invitedAgain(call workflows.Call, now ashare) bool {
	stamp := now.LastModified.UTC().String()
	was := s.g.memory.change(s.claim.Effect.ID, s.g.now(), func(m *memo) {
		if m.looked == "" {
			m.looked, m.declined = stamp, now.Dismissed
		}
	})
	if now.Dismissed {
		return false
	}
	return was.mailed || was.declined || strings.HasPrefix(call.Known, workflows.UserDismissed+"/") ||
		(!was.until.IsZero() && was.looked != stamp)
}
