package keyring

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

// tokenFacts count the API tokens of each environment that was read, name those with full access,
// and say what is known of Keyholder's own.
func tokenFacts(k Known) []Fact {
	var out []Fact
	for _, e := range k.environments() {
		all, read := k.Tokens[e]
		if !read {
			continue
		}
		of, personal, full := 0, 0, []string{}
		for _, t := range all {
			switch {
			case t.Revoked:
				continue
			case t.Kind == workflows.TokenOfPerson:
				personal++
			default:
				of++
			}
			if t.Full {
				full = append(full, workflows.Quote(t.Name)+tokenEnd(t))
			}
		}
		text := strconv.Itoa(of) + " of the account, " + strconv.Itoa(personal) + " personal"
		if n := len(full); n > maxNamed {
			full = append(full[:maxNamed:maxNamed], strconv.Itoa(n-maxNamed)+" more")
		}
		if len(full) > 0 {
			text += "; full access: " + workflows.List(full, "and")
		}
		out = append(out, Fact{Key: "tokens", Label: "API tokens in " + cmp.Or(e, workflows.Production), Text: text,
			Source: "seen at integrator.io"})
	}
	if k.OwnToken != "" {
		out = append(out, Fact{Key: "own_token", Label: "Keyholder's own token", Text: strings.TrimPrefix(k.OwnToken,
			"Keyholder's own token: ")})
	}
	return out
}

func tokenEnd(t workflows.Token) string {
	if t.Ends.IsZero() {
		return ""
	}
	return " (ends " + workflows.When(t.Ends) + ")"
}

// environments are those of the policy, production first.
func (k Known) environments() []string {
	out := []string{""}
	for _, e := range k.Policy.Access.Environments {
		out = append(out, e.Name)
	}
	return out
}

// TokensOf are the API tokens that bear on somebody who leaves: personal ones of theirs, which die
// with their access, and those of the account, which outlive everybody who knows their secret.
// Sentences, in Slack mrkdwn.
func TokensOf(k Known, person string) (dying, outliving []string) {
	mine := map[string]bool{}
	r := Of(k)
	for _, e := range k.environments() {
		census := k.Users[e]
		if census == nil {
			continue
		}
		for _, u := range census.Users {
			if r.person(u.Email) == person {
				mine[e+"/"+u.ID] = true
			}
		}
	}
	for _, e := range k.environments() {
		for _, t := range k.Tokens[e] {
			text := workflows.Quote(t.Name) + " in " + workflows.Esc(cmp.Or(e, workflows.Production))
			if t.Full {
				text += ", full access"
			}
			switch text += tokenEnd(t); {
			case t.Revoked:
			case t.Kind == workflows.TokenOfPerson && mine[e+"/"+t.Share]:
				dying = append(dying, text)
			case t.Kind != workflows.TokenOfPerson:
				outliving = append(outliving, text)
			}
		}
	}
	return dying, outliving
}
