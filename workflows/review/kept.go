package review

import (
	"cmp"
	"strings"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// Kept holds which accesses somebody signed for that they stay as they are, from the packets of a
// review or of several.
type Kept map[string]workflows.Decided

// Add takes what a signed packet keeps; what was signed later counts.
func (k Kept) Add(p PacketState) {
	if p.Signed == nil {
		return
	}
	for i, r := range p.Rows {
		if i >= len(p.Verdicts) || p.Verdicts[i].Decision != population.Keep || r.Mark == "" {
			continue
		}
		a := workflows.Access{Role: r.Role, Manage: r.Manage, Monitor: r.Monitor}
		key := keptKey(r.Environment, r.ID, r.Email, a)
		k[key] = k[key].Or(workflows.Decided{Workflow: p.Campaign, Since: p.Signed.At,
			Kept: cmp.Or(p.Verdicts[i].By, p.Signed.By)})
	}
}

// On is what was kept of a user's access as it is now, zero for nothing.
func (k Kept) On(environment string, u workflows.User) workflows.Decided {
	return k[keptKey(environment, u.ID, u.Email, u.Access())]
}

// keptKey names an access as it was: the record's own ID where it is known, for addresses change.
func keptKey(environment, id, email string, a workflows.Access) string {
	return environment + "/" + cmp.Or(id, strings.ToLower(email)) + "/" + a.Mark()
}
