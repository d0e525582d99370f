package config

import (
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// validate returns every fault of what was read, in the order of the struct. Values that could not be read have
// their fault already and are passed over.
func validate(cfg *Config) []Fault {
	c := &checker{marks: cfg.marks}
	c.listen(cfg.Listen)
	c.redis(cfg)
	c.slack(cfg.Slack)
	if len(cfg.Accounts) == 0 && !c.marks.unread("accounts") {
		c.fault("accounts", "", "No account is named", "Add at least one, as keyholder init writes it.")
	}
	ids := map[string]string{}
	for i := range cfg.Accounts {
		path := index("accounts", i)
		if c.marks.unread(path) {
			continue
		}
		account := &cfg.Accounts[i]
		c.identity(path, account, ids)
		c.mailboxes(path, account)
		c.people(path, account)
		c.environments(path, account)
		c.transfer(path, account)
		c.access(path, account)
		c.review(path, account)
		c.recovery(path, account)
		c.key(path, account)
		c.quiet(path, account)
		c.text(path+".token_name", account.TokenName)
		c.tokenEnds(path+".token_ends", account.TokenEnds)
		c.lengths(path+".tokens.warn_before", account.Tokens.WarnBefore, second)
		c.text(path+".conventions.naming", account.Conventions.Naming)
		c.text(path+".conventions.access", account.Conventions.Access)
	}
	c.mail(cfg.Mail)
	c.alarm(cfg)
	c.stepUp(cfg)
	return c.faults
}

type checker struct {
	marks  marks
	faults []Fault
}

// fault adds one, unless the value could not be read at all.
func (c *checker) fault(path, value, problem, cure string) {
	if c.marks.unread(path) {
		return
	}
	at := c.marks.at(path)
	c.faults = append(c.faults, Fault{Line: at.line, Column: at.column, Field: path, Value: value, Problem: problem,
		Cure: cure})
}

// tokenEnds takes a date.
func (c *checker) tokenEnds(path, text string) {
	if text == "" {
		return
	}
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		c.fault(path, show(text), "is not a date", "Write the token's last day as 2027-02-01, or leave it empty.")
	}
}

func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

func (c *checker) listen(listen string) {
	if listen == "" {
		return
	}
	if !isHostPort(listen) {
		c.fault("listen", show(listen), "is not host:port",
			"Write for example 127.0.0.1:9090, or an empty text to turn it off.")
	}
}

// isHostPort reads host:port with a port number; the host may be empty, which is every address.
func isHostPort(text string) bool {
	host, port, err := net.SplitHostPort(text)
	if err != nil || strings.ContainsAny(host, " /@") {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n <= 65535
}

func (c *checker) slack(s Slack) {
	path := "slack.command"
	switch {
	case !strings.HasPrefix(s.Command, "/") || len(s.Command) < 2:
		c.fault(path, show(s.Command), "does not begin with a slash and a word", "Write for example /io.")
	case len([]rune(s.Command)) > 32:
		c.fault(path, show(s.Command), "is longer than 32 characters, which is Slack's limit", "Choose a shorter word.")
	case s.Command != strings.ToLower(s.Command) || strings.ContainsAny(s.Command, " \t\n"):
		c.fault(path, show(s.Command), "holds capitals or spaces, which Slack does not take",
			"Write it in lower case and in one word, such as /io.")
	case strings.Contains(s.Command[1:], "/") || strings.ContainsFunc(s.Command, func(r rune) bool {
		return r < '!' || strings.ContainsRune(`"'<>&@#|\`+"`", r)
	}):
		c.fault(path, show(s.Command), "holds signs that Slack does not take",
			"Use letters, digits, - and _ after the slash.")
	}
	c.channel("slack.channel", s.Channel)
	c.channel("slack.audit_channel", s.AuditChannel)
	c.neededVariable("slack.app_token_env", s.AppTokenEnv, EnvSlackAppToken)
	c.neededVariable("slack.bot_token_env", s.BotTokenEnv, EnvSlackBotToken)
}

// neededVariable checks the name of a variable that is always looked at.
func (c *checker) neededVariable(path, name, usual string) {
	if !variableName.MatchString(name) {
		// Not shown: what stands here by mistake is often the secret itself.
		c.fault(path, "", "This is not the name of an environment variable",
			"Write the name, such as "+usual+", and set the variable; never write the secret here.")
	}
}

var (
	userID    = regexp.MustCompile(`^[UW][A-Z0-9]+$`)
	groupID   = regexp.MustCompile(`^S[A-Z0-9]+$`)
	channelID = regexp.MustCompile(`^[CG][A-Z0-9]+$`)
	accountID = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
	labels    = regexp.MustCompile(
		`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$`)
)

func (c *checker) channel(path, id string) {
	if id != "" && !channelID.MatchString(id) {
		c.fault(path, show(id), "is not the ID of a channel",
			"Write the ID that begins with C or G: it stands at the end of the channel's About page in Slack.")
	}
}

// longest lengths, in characters: an option of a Slack menu shows 75; an account's ID is part of keys and IDs.
const (
	longestName = 75
	longestID   = 40 // the ID of a review, as r07-<id>-2026-11, then stays below the 64 characters that an ID may have
)

func (c *checker) identity(path string, a *Account, ids map[string]string) {
	at := path + ".id"
	switch {
	case a.ID == "":
		c.fault(at, "", "The account has no ID", "Give it a short one, such as acme.")
	case !accountID.MatchString(a.ID):
		c.fault(at, show(a.ID), "is not an account ID",
			"Use a-z, 0-9 and -, beginning and ending with a letter or digit.")
	case len(a.ID) > longestID:
		c.fault(at, show(a.ID), fmt.Sprintf("is longer than %d characters", longestID),
			"Choose a shorter one; people type it.")
	case ids[a.ID] != "":
		c.fault(at, show(a.ID), "is also the ID of "+ids[a.ID], "Give each account its own.")
	default:
		ids[a.ID] = path
	}
	if a.Name == "" {
		a.Name = a.ID
	}
	c.name(path+".name", a.Name)
	c.name(path+".customer", a.Customer)
	if !slices.Contains(Regions(), a.Region) {
		c.fault(path+".region", show(a.Region), "is not a region", choices(Regions()))
	}
	c.apiURL(path+".api_url", a.APIURL)
	c.tokenEnv(path+".token_env", a.TokenEnv)
	if a.Owner == "" {
		c.fault(path+".owner", "", "The account's owner is missing", "Write the e-mail address that owns it now.")
	} else {
		c.email(path+".owner", a.Owner)
	}
	c.channel(path+".channel", a.Channel)
}

func (c *checker) name(path, name string) {
	if len([]rune(name)) > longestName {
		c.fault(path, show(name), fmt.Sprintf("is longer than %d characters, which is what a Slack menu shows",
			longestName), "Shorten it.")
	}
	if oneLine(name) != name {
		c.fault(path, show(name), "holds a line break or another sign that is not shown", "Write it in one line.")
	}
}

func (c *checker) apiURL(path, text string) {
	if text == "" {
		return
	}
	const cure = "Write the scheme and the host alone, such as https://api.integrator.io, or leave it empty."
	u, err := url.Parse(text)
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "":
		c.fault(path, show(text), "is not an http or https address", cure)
	case u.User != nil:
		c.fault(path, "", "The address holds a name or password", cure)
	case strings.TrimRight(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		c.fault(path, show(text), "is more than a host (Keyholder adds /v1 itself)", cure)
	}
}

func (c *checker) tokenEnv(path, name string) {
	if name != "" && !variableName.MatchString(name) {
		// Not shown: what stands here by mistake is often the token itself.
		c.fault(path, "", "This is not the name of an environment variable",
			"Write the name, such as ACME_IO_TOKEN, and set the variable to the token; never write the token here.")
	}
}

func (c *checker) email(path, address string) {
	parsed, err := mail.ParseAddress(address)
	at := strings.LastIndex(address, "@")
	if err != nil || parsed.Name != "" || parsed.Address != address || at < 1 || len(address) > 254 ||
		!labels.MatchString(address[at+1:]) {
		c.fault(path, show(address), "is not an e-mail address", "Write it like celigo@acme.example.")
	}
}

// ids checks a list of users and user groups: each an ID, none twice.
func (c *checker) ids(path string, ids []string) {
	seen := map[string]bool{}
	for i, id := range ids {
		at := index(path, i)
		switch {
		case !userID.MatchString(id) && !groupID.MatchString(id):
			c.fault(at, show(id), "is not the ID of a Slack user or user group",
				"Write the member ID, which begins with U or W (profile, three dots, Copy member ID), or a group's, which begins with S.")
		case seen[id]:
			c.fault(at, show(id), "is named twice in this list", "Remove one: each person counts once.")
		}
		seen[id] = true
	}
}

func (c *checker) mailboxes(path string, a *Account) {
	if len(a.Aliases) == 0 {
		c.fault(path+".aliases", "", "The account has no alias",
			"Name at least one shared mailbox that may own it, with its holders.")
	}
	seen := map[string]bool{}
	for i, alias := range a.Aliases {
		at := index(path+".aliases", i)
		if c.marks.unread(at) {
			continue
		}
		key := strings.ToLower(alias.Email)
		switch {
		case alias.Email == "":
			c.fault(at+".email", "", "The alias has no address", "Write the mailbox's e-mail address.")
		case seen[key]:
			c.fault(at+".email", show(alias.Email), "is an alias of this account already", "Join the two.")
		default:
			c.email(at+".email", alias.Email)
		}
		seen[key] = true
		c.name(at+".vault", alias.Vault)
		c.ids(at+".holders", alias.Holders)
		c.ids(at+".custodians", alias.Custodians)
		c.keepers(at, alias)
		if len(alias.Holders) == 0 {
			c.fault(at+".holders", "", "Nobody is named who can read this mailbox",
				"Name its holders by their Slack IDs; without approvers they are also the ones who confirm.")
			continue
		}
		c.custodians(at, alias)
	}
}

func (c *checker) custodians(path string, alias Alias) {
	if _, known := c.count(path+".holders", alias.Holders); !known {
		return // a group may hold them
	}
	for i, id := range alias.Custodians {
		if userID.MatchString(id) && !slices.Contains(alias.Holders, id) {
			c.fault(index(path+".custodians", i), show(id), "is not a holder of this alias",
				"Name the person under holders too: a custodian is a holder who can also use the password.")
		}
	}
}

// keepers checks the two lists that custodians are short for.
func (c *checker) keepers(path string, alias Alias) {
	c.ids(path+".password", alias.Password)
	c.ids(path+".second_factor", alias.SecondFactor)
	if len(alias.Custodians) > 0 && len(alias.Password)+len(alias.SecondFactor) > 0 {
		c.fault(path+".custodians", "", "Custodians stand beside password or second_factor, and are short for both",
			"Keep custodians, or name people under password and second_factor alone.")
	}
}

// count says how many people the IDs are; known is false where a group, or an entry that is no ID, hides some.
func (c *checker) count(path string, ids []string) (n int, known bool) {
	known = !c.marks.unread(path)
	for i, id := range ids {
		if !userID.MatchString(id) || c.marks.unread(index(path, i)) {
			known = false
		}
	}
	return len(union(ids)), known
}

// people checks the lists of an account's people.
func (c *checker) people(path string, a *Account) {
	c.ids(path+".admins", a.Admins)
	c.ids(path+".auditors", a.Auditors)
}

func (c *checker) environments(path string, a *Account) {
	seen := map[string]bool{}
	for i, environment := range a.Environments {
		at := index(path+".environments", i)
		if c.marks.unread(at) {
			continue
		}
		key := strings.ToLower(environment.Name)
		switch {
		case environment.Name == "":
			c.fault(at+".name", "", "The environment has no name",
				"Write its name as integrator.io shows it, such as Sandbox.")
		case key == Production:
			c.fault(at+".name", show(environment.Name), "is the account itself, which is always there",
				"Remove this entry and write its token_env on the account.")
		case seen[key]:
			c.fault(at+".name", show(environment.Name), "is named twice", "Give each environment its own name.")
		default:
			c.name(at+".name", environment.Name)
		}
		seen[key] = true
		c.tokenEnv(at+".token_env", environment.TokenEnv)
	}
}

// withoutRepeats drops faults told twice, as an alias makes them: one place in the file, one sentence.
func withoutRepeats(faults []Fault) []Fault {
	type place struct {
		line, column   int
		field, problem string
	}
	seen := map[place]bool{}
	out := faults[:0]
	for _, f := range faults {
		key := place{f.Line, f.Column, f.Field[strings.LastIndex(f.Field, ".")+1:], f.Value + f.Problem}
		if f.Line > 0 && seen[key] {
			continue
		}
		seen[key] = true
		out = append(out, f)
	}
	return out
}

func choices(words []string) string {
	last := len(words) - 1
	return "Choose " + strings.Join(words[:last], ", ") + " or " + words[last] + "."
}
