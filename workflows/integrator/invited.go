package integrator

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// maxInvitePages bounds what a census reads of the audit log: 5,000 creations of users. Who came before is not told.
const maxInvitePages = 5

// inviters answers who gave each listed user their access, by address in lower case, as far as the
// audit log reaches back: the creation of the user that is nearest before or at the record's own
// time. One question serves all users; which ID an entry names is not settled, so both count (see
// trace.go).
func (s *session) inviters(ctx context.Context, users []ashare) (map[string]workflows.Trace, error) {
	h := hunt{s: s, ids: map[string]bool{}, left: maxInvitePages}
	if err := h.ask(ctx, url.Values{"action": {"create"}}, time.Time{}); err != nil {
		return nil, err
	}
	first := map[string]auditEntry{}
	for _, e := range h.entries {
		if e.Event != "create" || e.By.Email == "" || e.Resource == "" {
			continue
		}
		// somebody who was removed and invited again came by the last one
		if known, ok := first[string(e.Resource)]; !ok || e.Time.After(known.Time.Time) {
			first[string(e.Resource)] = e
		}
	}
	out := map[string]workflows.Trace{}
	for _, a := range users {
		for _, id := range []string{a.ID, string(a.SharedWithUser.ID)} {
			if e, ok := first[id]; ok && id != "" {
				out[strings.ToLower(string(a.SharedWithUser.Email))] = workflows.Trace{Email: string(e.By.Email),
					Name: string(e.By.Name), At: e.Time.Time,
					Source: string(e.Source), Event: string(e.Event)}
				break
			}
		}
	}
	return out, nil
}
