package stepup

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Claim is one thing that a provider said, for an operator who sets it up.
type Claim struct {
	// Name is the claim's; Value what came, as text, "" for nothing.
	Name, Value string
	// Fault says why proofs with it would not be taken, and what to do; "" for nothing.
	Fault string
}

// Claims waits as Await does, and answers what came and what of it would keep people from showing who they
// are. Whose sign-in it was is not compared, and nothing is kept. Errors: as of Await.
func (p *Provider) Claims(ctx context.Context, q Question) ([]Claim, error) {
	id, says, err := p.answered(ctx, q)
	if err != nil {
		return nil, err
	}
	out := []Claim{{Name: "iss", Value: id.Issuer}, {Name: "sub", Value: id.Subject}, p.age(says)}
	who := Claim{Name: p.o.Claim, Value: text(says.all[p.o.Claim])}
	if who.Value == "" {
		who.Fault = who.Name +
			" did not come, so nobody could be told by it. Let the provider put it into the ID token, " +
			"or name another in step_up.claim."
	}
	out = append(out, who)
	if p.o.Claim == claimEmail {
		out = append(out, p.verified(says))
	}
	return append(out, Claim{Name: "amr", Value: strings.Join(says.AMR, " ")}, Claim{Name: "acr", Value: says.ACR}), nil
}

// age is the claim of when somebody signed in.
func (p *Provider) age(says claims) Claim {
	c := Claim{Name: "auth_time"}
	switch {
	case says.AuthTime != nil:
		at := time.Unix(*says.AuthTime, 0).UTC()
		c.Value = at.Format(time.RFC3339)
		if at.Add(p.o.MaxAge + Skew).Before(p.o.Now()) {
			c.Fault = fmt.Sprintf(
				"auth_time: you signed in at %s, longer than max_age (%s) ago, and were not asked again. "+
					"Let the provider ask anew for this client, or allow a longer max_age.", c.Value, p.o.MaxAge)
		}
	case !p.o.AuthTimeOptional:
		c.Fault = "auth_time did not come. Let the provider put it into the ID token; step_up.auth_time: optional takes " +
			"proofs without, and then an open browser is enough."
	}
	return c
}

// verified is the claim that the provider vouches for the address.
func (p *Provider) verified(says claims) Claim {
	c := Claim{Name: "email_verified"}
	switch {
	case says.EmailVerified == nil && !p.o.EmailVerifiedOptional:
		c.Fault = "email_verified did not come. Let the provider put it into the ID token; step_up.email_verified: " +
			"optional takes proofs without, where nobody can choose their address there."
	case says.EmailVerified != nil:
		c.Value = fmt.Sprint(bool(*says.EmailVerified))
		if !*says.EmailVerified {
			c.Fault = "email_verified: the provider does not vouch for your address. Verify it there."
		}
	}
	return c
}

// text is a claim as people read it.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return strings.TrimSpace(string(raw))
}
