package stepup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/keyholder/keyholder/workflows"
)

const claimEmail = "email"

// genuine verifies the ID token that came: by whom it was made, and for whom.
func (d *discovered) genuine(ctx context.Context, token *oauth2.Token) (*oidc.IDToken, claims, error) {
	var says claims
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return nil, says, refuse("no_id_token", "Your identity provider answered without saying who signed in.",
			"Ask whoever operates Keyholder to run `keyholder check --step-up`.")
	}
	id, err := d.verifier.Verify(ctx, raw)
	if err != nil {
		// The library's errors quote claims and never the token.
		return nil, says, fmt.Errorf("verify the ID token: %w: %w", err, refuse("not_genuine",
			"What came from your identity provider is not signed by it, or not meant for Keyholder.",
			"Tell whoever operates Keyholder: the log says what did not hold."))
	}
	if err := errors.Join(id.Claims(&says), id.Claims(&says.all)); err != nil {
		return nil, says, fmt.Errorf("read the ID token: %w: %w", err, refuse("not_readable",
			"Keyholder cannot read what your identity provider said.",
			"Ask whoever operates Keyholder to look at the log."))
	}
	return id, says, nil
}

// take keeps what a genuine token proves of somebody.
func (p *Provider) take(id *oidc.IDToken, says claims, who workflows.Person) (workflows.StepUp, error) {
	if r := p.refused(id, says, who); r != nil {
		return workflows.StepUp{}, r
	}
	now := p.o.Now().UTC()
	proof := workflows.StepUp{Issuer: id.Issuer, Subject: subject(id.Issuer, id.Subject), Methods: says.AMR,
		Class: says.ACR}
	from := now
	if says.AuthTime != nil {
		from = time.Unix(*says.AuthTime, 0).UTC()
		proof.AuthTime = from
	}
	p.keep(who, proof, earlier(from, now).Add(p.o.MaxAge), now)
	return proof, nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// claims are those that are looked at. Source: OpenID Connect Core 1.0, sections 2 and 5.1.
type claims struct {
	AuthTime      *int64    `json:"auth_time"`
	NotBefore     *int64    `json:"nbf"`
	AMR           []string  `json:"amr"`
	ACR           string    `json:"acr"`
	Party         string    `json:"azp"`
	Email         string    `json:"email"`
	EmailVerified *flexible `json:"email_verified"`

	all map[string]json.RawMessage
}

// flexible is a boolean that some providers write as a string.
type flexible bool

// UnmarshalJSON takes true, false, "true" and "false".
func (f *flexible) UnmarshalJSON(raw []byte) error {
	switch strings.Trim(string(raw), `"`) {
	case "true":
		*f = true
	case "false":
		*f = false
	default:
		return fmt.Errorf("decode %.20q: it is no truth value", raw)
	}
	return nil
}

// subject is a hash of who it is at the provider.
func subject(issuer, sub string) string {
	sum := sha256.Sum256([]byte(issuer + "\x00" + sub))
	return hex.EncodeToString(sum[:16])
}

// refused says why a genuine token proves nothing here; nil: it does.
func (p *Provider) refused(id *oidc.IDToken, says claims, who workflows.Person) *workflows.Refusal {
	now := p.o.Now()
	switch {
	case len(id.Audience) > 1 && says.Party != p.o.ClientID:
		return refuse("other_party", "What came from your identity provider was made for another program.",
			"Tell whoever operates Keyholder.")
	case id.Expiry.Add(Skew).Before(now),
		says.NotBefore != nil && time.Unix(*says.NotBefore, 0).After(now.Add(Skew)), id.IssuedAt.After(now.Add(Skew)):
		return refuse("not_of_now",
			"What came from your identity provider does not hold now: it came too late, or a clock is wrong.",
			"Press the button again; should it fail again, tell whoever operates Keyholder.")
	case says.AuthTime == nil && !p.o.AuthTimeOptional:
		return refuse("no_auth_time", "Your identity provider does not say when you signed in there.",
			"Ask whoever operates Keyholder to run `keyholder check --step-up`: the provider can be told to say it.")
	case says.AuthTime != nil && time.Unix(*says.AuthTime, 0).After(now.Add(Skew)):
		return refuse("not_of_now", "Your identity provider says that you signed in later than it is now.",
			"Tell whoever operates Keyholder: a clock is wrong.")
	case says.AuthTime != nil && time.Unix(*says.AuthTime, 0).Add(p.o.MaxAge+Skew).Before(now):
		return refuse("too_old", "You signed in at your identity provider longer than "+
			workflows.Span(p.o.MaxAge)+" ago, and it did not ask again.",
			"Sign out there, press the button again, and sign in on the page that the link opens.")
	}
	return p.another(says, who)
}

// another says why a token is not of the person who was asked.
func (p *Provider) another(says claims, who workflows.Person) *workflows.Refusal {
	if p.o.Claim != claimEmail {
		var value string
		if json.Unmarshal(says.all[p.o.Claim], &value) != nil || value == "" {
			return refuse("no_claim", "Your identity provider does not say who you are in Slack.",
				"Ask whoever operates Keyholder: the claim "+workflows.Quote(p.o.Claim)+" is missing.")
		}
		if value != who.ID {
			return notYou
		}
		return nil
	}
	switch {
	case !who.EmailConfirmed || who.Email == "":
		return refuse("no_address",
			"Your e-mail address in Slack is not confirmed, or Keyholder may not read it: there is nothing to compare with.",
			"Confirm it in your Slack account settings, or ask whoever operates Keyholder.")
	case says.Email == "":
		return refuse("no_claim", "Your identity provider does not say your e-mail address.",
			"Ask whoever operates Keyholder to run `keyholder check --step-up`.")
	case says.EmailVerified == nil && !p.o.EmailVerifiedOptional, says.EmailVerified != nil &&
		!bool(*says.EmailVerified):
		return refuse("not_verified", "Your identity provider does not vouch for your e-mail address.",
			"Ask whoever looks after it to verify your address there.")
	case !strings.EqualFold(says.Email, who.Email):
		return notYou
	}
	return nil
}

// notYou does not say who it was: that is nobody's business but the provider's.
var notYou = refuse("another",
	"Whoever signed in at your identity provider is not you, going by what your Slack profile says.",
	"Sign out there and in as yourself, then press the button again. "+
		"If you opened no link, somebody else did: tell whoever operates Keyholder.")
