package population

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// KindToken is an API token: standing access without a name. Its row is about whoever made it, as far as
// that is known, so that nobody decides alone on a token of their own: Email is the maker's address, Name
// the token's name, ID the token's.
const KindToken = "token"

// Flags of API tokens. A revoked one has none: it gives no access.
const (
	FlagFullAccess    = "full_access"
	FlagNoEnd         = "no_end"         // of the account, and does not end by itself
	FlagMakerGone     = "maker_gone"     // whoever made it is no user any more, or switched off
	FlagMakerInactive = "maker_inactive" // whoever made it never signed in, or not for long
)

// FixRevoke is the remedy of a token that is not kept: people revoke it in integrator.io, and it is then
// read back. Nothing is opened for it.
const FixRevoke = "revoke"

// Token is what the row of an API token knows besides. integrator.io does not say when one was last used.
type Token struct {
	Kind     string    `json:"kind"` // as in package workflows: account, personal
	Full     bool      `json:"full,omitempty"`
	Scope    []string  `json:"scope,omitempty"` // what a limited one reaches, as "connections: 3"
	Ends     time.Time `json:"ends,omitzero"`   // zero: never
	Revoked  bool      `json:"revoked,omitempty"`
	Modified time.Time `json:"modified,omitzero"`
	// Own says that Keyholder itself uses it, as far as can be told: the only one with full access, or the one
	// that the configuration names.
	Own bool `json:"own,omitempty"`
}

// IsToken reports whether it is an API token's row, decided as keep or remove only.
func (r Row) IsToken() bool { return r.Kind == KindToken && r.Token != nil }

// Subject is what a row is about, in plain text: an address, or a token by its name.
func (r Row) Subject() string {
	if r.IsToken() {
		return "API token “" + cmp.Or(r.Name, r.ID) + "”"
	}
	return r.Email
}

// SplitTokens parts rows into those of people and mailboxes, and those of API tokens.
func SplitTokens(rows []Row) (people, tokens []Row) {
	for _, r := range rows {
		if r.IsToken() {
			tokens = append(tokens, r)
		} else {
			people = append(people, r)
		}
	}
	return people, tokens
}

// TokenRows makes one row for each API token of an environment, in the order of the census; users are the
// rows of its users.
func TokenRows(environment string, c workflows.Census, users []Row, st Started) []Row {
	own := ownToken(c.Tokens, environment, st.TokenName)
	out := make([]Row, 0, len(c.Tokens))
	for _, t := range c.Tokens {
		r := Row{Kind: KindToken, Environment: environment, ID: t.ID, Name: strings.TrimSpace(t.Name),
			Since: t.Created, Privileged: t.Full && !t.Revoked, Token: &Token{Kind: t.Kind, Full: t.Full,
				Scope: t.Scope, Ends: t.Ends, Revoked: t.Revoked, Modified: t.Modified, Own: t.ID == own}}
		maker, gone := makerOf(t, users, st)
		r.Email = maker.Email
		r.Flags = tokenFlags(t, maker, gone && c.Unread[workflows.PartUsers] == "")
		out = append(out, r)
	}
	return out
}

// makerOf is the row of whoever made a token, as far as it is known; gone says that they are no user of
// the environment any more.
func makerOf(t workflows.APIToken, users []Row, st Started) (maker Row, gone bool) {
	for _, u := range users {
		if t.Share != "" && u.ID == t.Share || t.Share == "" && t.Maker != "" && u.Email == cleanEmail(t.Maker) {
			return u, u.Disabled || u.Status == workflows.UserDismissed
		}
	}
	maker.Email = cleanEmail(t.Maker)
	owner := maker.Email != "" && maker.Email == cleanEmail(st.Owner)
	return maker, (t.Share != "" || maker.Email != "") && !owner
}

func tokenFlags(t workflows.APIToken, maker Row, gone bool) []string {
	if t.Revoked {
		return nil
	}
	var out []string
	if t.Full {
		out = append(out, FlagFullAccess)
	}
	if t.Kind != workflows.TokenOfPerson && t.Ends.IsZero() {
		out = append(out, FlagNoEnd)
	}
	switch {
	case gone:
		out = append(out, FlagMakerGone)
	case slices.Contains(maker.Flags, FlagInactive) || slices.Contains(maker.Flags, FlagNeverSignedIn):
		out = append(out, FlagMakerInactive)
	}
	return out
}

// ownToken is the ID of the token that Keyholder itself uses: the one of that name in production, or the
// only one with full access; "" where that is not sure, for secrets are masked.
func ownToken(all []workflows.APIToken, environment, name string) string {
	id, n := "", 0
	for _, t := range all {
		named := name != "" && environment == ""
		if !t.Revoked && (named && strings.EqualFold(t.Name, name) || !named && t.Full) {
			id, n = t.ID, n+1
		}
	}
	if n != 1 {
		return ""
	}
	return id
}

// TokenColumns are those of tokens.csv, part of the contract; what is frozen has the first eight, the maker
// and when it was made.
func TokenColumns() []string {
	return []string{"environment", "id", "name", "kind", "scope", "ends", "revoked", "flags",
		"decision", "reason", "reviewer", "decided_at", "state", "done_at"}
}

const frozenTokenColumns = 8

// TokenCells are what the frozen part of [TokenColumns] says of a row; flags are those to show.
func TokenCells(r Row, flags []string) []string {
	return []string{r.EnvironmentName(), r.ID, r.Name, r.Token.Kind, r.Token.ScopeCell(), Stamp(r.Token.Ends),
		strconv.FormatBool(r.Token.Revoked), FlagsCell(flags)}
}

// ScopeCell is what a token reaches, as files have it.
func (t Token) ScopeCell() string {
	switch {
	case t.Full:
		return "full access"
	case t.Kind == workflows.TokenOfPerson && len(t.Scope) == 0:
		return "its maker's rights"
	}
	return strings.Join(t.Scope, "; ")
}

// FrozenTokens is the list of tokens as a file, as [FrozenCSV] is that of users.
func FrozenTokens(rows []Row) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	put := func(cells []string) {
		for i := range cells {
			cells[i] = SafeCell(cells[i])
		}
		if err := w.Write(cells); err != nil {
			panic("review: a CSV row cannot be written: " + err.Error()) // neither the comma nor the buffer can fail
		}
	}
	put(append(TokenColumns()[:frozenTokenColumns], "maker", "made"))
	for _, r := range rows {
		put(append(TokenCells(r, r.Flags), r.Email, Stamp(r.Since)))
	}
	w.Flush()
	return b.Bytes()
}

// TokenIntro stands above the tokens of a review.
const TokenIntro = "An API token acts without a person. Keep what something still uses; what nobody can name is better " +
	"revoked. integrator.io does not tell when one was last used."

// tokenText is [RowText] of a token.
func tokenText(r Row, at time.Time) (title string, facts []string) {
	t := *r.Token
	title = "*" + workflows.Esc(cmp.Or(r.Name, r.ID)) + "* · " + tokenWords(t)
	if r.Environment != "" {
		title += " · " + workflows.Esc(r.Environment)
	}
	if len(r.Flags) > 0 {
		words := make([]string, len(r.Flags))
		for i, f := range r.Flags {
			words[i] = FlagText(f)
		}
		facts = append(facts, "! "+strings.Join(words, ", "))
	}
	if t.Own {
		facts = append(facts, "! Keyholder itself uses it, as far as can be told; without it people act and attest")
	}
	made := "Nobody is known who made it"
	if r.Email != "" {
		made = "Made by " + workflows.Esc(r.Email)
	}
	if !r.Since.IsZero() {
		made += ", " + dayWords(r.Since, at)
	}
	return title, append(facts, made, endWords(t))
}

func tokenWords(t Token) string {
	kind := "token of the account"
	if t.Kind == workflows.TokenOfPerson {
		kind = "personal token"
	}
	if t.Revoked {
		return kind + ", revoked"
	}
	return kind + ", " + cmp.Or(workflows.Esc(t.ScopeCell()), "reaches nothing")
}

func endWords(t Token) string {
	switch {
	case t.Revoked:
		return "It is revoked already, and gives no access"
	case t.Kind == workflows.TokenOfPerson && t.Ends.IsZero():
		return "Ends with its maker's access, or after 90 days"
	case t.Kind == workflows.TokenOfPerson:
		return "Ends " + day(t.Ends) + ", or with its maker's access"
	case t.Ends.IsZero():
		return "Does not end by itself"
	}
	return "Ends " + day(t.Ends)
}

// RevokeWords say where a token is revoked, and by whom it can be.
func RevokeWords(r Row) string {
	where := "in integrator.io, Resources > API tokens, its menu, Revoke"
	if r.Token.Kind != workflows.TokenOfPerson {
		return where
	}
	return where + "; only " + cmp.Or(workflows.Esc(r.Email), "whoever made it") +
		" can, and it ends with their access, too"
}
