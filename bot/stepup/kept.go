package stepup

import (
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// maxKept bounds the proofs that are kept; they are dropped when full, which costs people one more question.
const maxKept = 10_000

// kept is a proof that may be used again.
type kept struct {
	proof workflows.StepUp
	until time.Time
}

// keep remembers a proof until a time.
func (p *Provider) keep(who workflows.Person, proof workflows.StepUp, until, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.kept) >= maxKept {
		clear(p.kept)
	}
	if until.After(now) {
		p.kept[key(who)] = kept{proof, until}
	}
}

// Fresh answers the proof of a person that still holds. Everything about the person is compared again: an
// address that Slack has changed meanwhile is another person's proof.
func (p *Provider) Fresh(who workflows.Person) (workflows.StepUp, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k, ok := p.kept[key(who)]
	if !ok || !p.o.Now().Before(k.until) {
		delete(p.kept, key(who))
		return workflows.StepUp{}, false
	}
	return k.proof, true
}

// key is one person of one workspace, with the address that was compared.
func key(who workflows.Person) string { return who.Team + "/" + who.ID + "/" + who.Email }
