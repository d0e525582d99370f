package integrator

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

// transfer is a record of GET /v1/transfers, see section 5 of the reference. Those of integrations
// lack the flag account.
type transfer struct {
	ID             string `json:"_id"`
	Account        bool   `json:"account"`
	Accepted       bool   `json:"accepted"`
	Dismissed      bool   `json:"dismissed"`
	Status         string `json:"status"`
	TransferredAt  stamp  `json:"transferredAt"`
	CreatedAt      stamp  `json:"createdAt"`
	TransferToUser person `json:"transferToUser"`
	OwnerUser      person `json:"ownerUser"`
}

// received reports whether somebody else's account is offered to this account's owner: such a
// record names its sender instead of its addressee and is no business of this account.
func (t transfer) received() bool { return t.TransferToUser.Email == "" && t.OwnerUser.Email != "" }

// state is the status as Keyholder knows it. An accepted transfer whose status does not say so yet counts as queued.
func (t transfer) state() string {
	st := strings.ToLower(strings.TrimSpace(t.Status))
	switch {
	case st == "cancelled":
		return workflows.TransferCanceled
	case (st == "" || st == workflows.TransferUnapproved) && t.Accepted && !t.TransferredAt.IsZero():
		return workflows.TransferDone
	case (st == "" || st == workflows.TransferUnapproved) && t.Accepted:
		return workflows.TransferQueued
	case st == "":
		return workflows.TransferUnapproved
	}
	return st
}

// record is the transfer without what no decision needs; email stands in where the record names nobody.
func (t transfer) record(email string) *workflows.Transfer {
	out := &workflows.Transfer{ID: t.ID, Email: t.TransferToUser.Email, Status: t.state(), Dismissed: t.Dismissed}
	if out.Email == "" {
		out.Email = email
	}
	return out
}

// accepted reports whether the new owner has said yes, whatever became of it.
func (t transfer) accepted() bool {
	switch t.state() {
	case workflows.TransferQueued, workflows.TransferStarted, workflows.TransferDone:
		return true
	}
	return false
}

// mayBeFor reports whether a transfer is new since seen and for the address, or for nobody named.
func (t transfer) mayBeFor(call workflows.Call) bool {
	to := t.TransferToUser.Email
	return t.ID != "" && !slices.Contains(call.Seen, t.ID) && (to == "" || workflows.SameEmail(to, call.Email))
}

// transfers reads the account transfers that this account sent, the oldest first as far as they tell their age.
func (s *session) transfers(ctx context.Context) (out []transfer, shown bool, err error) {
	all, shown, err := listOf[transfer](ctx, s, "/v1/transfers", nil, manyRows)
	for _, t := range all {
		if t.Account && !t.received() {
			out = append(out, t)
		}
	}
	slices.SortStableFunc(out, func(a, b transfer) int { return a.CreatedAt.Compare(b.CreatedAt.Time) })
	return out, shown, err
}

// newest is the last transfer that a test likes.
func newest(all []transfer, like func(transfer) bool) (transfer, bool) {
	for _, t := range slices.Backward(all) {
		if like(t) {
			return t, true
		}
	}
	return transfer{}, false
}

// ours finds the transfer a call speaks of: by ID, else the newest for its address that is not in
// Seen, those that can still be accepted first.
func ours(all []transfer, call workflows.Call) (transfer, bool) {
	if call.ID != "" {
		return newest(all, func(t transfer) bool { return t.ID == call.ID })
	}
	if t, ok := newest(all, func(t transfer) bool { return t.mayBeFor(call) && t.record("").Pending() }); ok {
		return t, true
	}
	return newest(all, func(t transfer) bool { return t.mayBeFor(call) })
}

func transferByID(id string) string { return "/v1/transfers/" + url.PathEscape(id) }

// sendTransfer invites an address to become the owner.
func (s *session) sendTransfer(ctx context.Context, email string) (transfer, error) {
	var out transfer
	const path = "/v1/transfers/invite"
	a, err := s.do(ctx, http.MethodPost, path, struct {
		Email   string `json:"email"`
		Account bool   `json:"account"`
	}{email, true})
	if err != nil {
		return out, s.written(err)
	}
	err = decode(http.MethodPost, a, &out)
	if err == nil && out.ID == "" {
		err = &unreadableError{http.MethodPost, path, "it has no _id"}
	}
	return out, s.written(err)
}
