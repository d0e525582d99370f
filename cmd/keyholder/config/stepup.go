package config

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// StepUp is the identity provider at which people show who they are, before a click counts that an account
// names in its own step_up. It is used only when some account does.
type StepUp struct {
	// Issuer is the provider's OpenID Connect issuer: https, or http on a loopback address.
	Issuer string `yaml:"issuer"`
	// ClientID is Keyholder's name there. It needs the device authorization grant, and no secret.
	ClientID string `yaml:"client_id"`
	// ClientSecretEnv names the environment variable with the client's secret; empty: a public client.
	ClientSecretEnv string `yaml:"client_secret_env"`
	// Claim is email, compared with the Slack profile's confirmed address, or a claim that holds the Slack
	// user ID.
	Claim string `yaml:"claim"`
	// MaxAge is how long ago somebody may have signed in, and for how long one proof serves.
	MaxAge Duration `yaml:"max_age"`
	// AuthTime and EmailVerified are Require or Optional: whether a proof that lacks that claim is taken.
	AuthTime      string `yaml:"auth_time"`
	EmailVerified string `yaml:"email_verified"`
	// TOTP lets people show who they are by one-time codes of an authenticator app that they set up in Slack,
	// beside the provider or without one. It wants KEYHOLDER_SEAL_KEY, which seals the secrets.
	TOTP bool `yaml:"totp"`
}

// Require and Optional are the values of auth_time and email_verified.
const (
	Require  = "require"
	Optional = "optional"
)

// ClaimEmail is the claim that is compared with an address and not with a Slack user ID.
const ClaimEmail = "email"

// StepUpClicks lists what step_up of an account can name: the action_ids of buttons that decide something,
// the callback_ids of requests, and delegate.
func StepUpClicks() []string {
	var out []string
	for machine, verbs := range map[string]string{
		"transfer": "request confirm refuse cancel recheck waive claim accept decline resend withdraw attest settle",
		"access":   "request approve refuse cancel attest extend end adopt undo ask",
		"review":   "sign reassign",
		"recovery": "request approve refuse cancel can claim done blocked next seen settle",
		"key":      "request approve refuse cancel back planned emergency misuse mine unknown",
		"drill":    "prove attest cannot cancel",
		"offboard": "request done blocked settle cancel",
	} {
		for _, verb := range strings.Fields(verbs) {
			out = append(out, machine+"."+verb)
		}
	}
	out = append(out, stepDelegate)
	slices.Sort(out)
	return out
}

const stepDelegate = "delegate"

// stepNarrows are the words that may follow a click of access behind a colon.
var stepNarrows = []string{"administrator", "manage", "monitor", "custom", "urgent"}

func (c *checker) stepUp(cfg *Config) {
	named := false
	for i := range cfg.Accounts {
		path := index("accounts", i) + ".step_up"
		named = named || len(cfg.Accounts[i].StepUp) > 0 && !c.marks.unread(path)
		c.stepUpNames(path, cfg.Accounts[i].StepUp)
	}
	s := cfg.StepUp
	c.atLeastSecond("step_up.max_age", s.MaxAge)
	if s.Issuer == "" && (!named || s.TOTP) {
		return
	}
	if s.Issuer == "" {
		c.fault("step_up.issuer", "",
			"Accounts name clicks in step_up, and no identity provider is there to show it at",
			"Write the provider's issuer, such as https://login.acme.example; or totp: true for one-time codes; or empty the lists.")
	} else {
		c.issuer(s.Issuer)
	}
	if s.ClientID == "" {
		c.fault("step_up.client_id", "", "Keyholder has no name at the identity provider",
			"Register it there as a client that may use the device authorization grant, and write its client ID.")
	}
	c.variable("step_up.client_secret_env", s.ClientSecretEnv, "KEYHOLDER_CLIENT_SECRET", "the client's secret")
	if strings.TrimSpace(s.Claim) == "" {
		c.fault("step_up.claim", "", "No claim is named",
			"Write email, or the name of a claim that holds the Slack user ID.")
	}
	c.oneOf("step_up.auth_time", s.AuthTime, Require, Optional)
	c.oneOf("step_up.email_verified", s.EmailVerified, Require, Optional)
}

// issuer looks at a provider's address.
func (c *checker) issuer(issuer string) {
	switch u, err := url.Parse(issuer); {
	case err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		c.fault("step_up.issuer", show(issuer), "is not an https address",
			"Write it as the provider's own page of settings does.")
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		c.fault("step_up.issuer", show(issuer), "is not an https address",
			"Write https; http is for an address of this machine only.")
	}
}

// Proving are the administrators, and Reading the auditors, of all accounts that ask for proofs, each once: who looks
// after people's authenticator apps.
func (cfg *Config) Proving() (admins, auditors []string) {
	add := func(list []string, more []string) []string {
		for _, id := range more {
			if !slices.Contains(list, id) {
				list = append(list, id)
			}
		}
		return list
	}
	for _, a := range cfg.Accounts {
		if len(a.StepUp) > 0 {
			admins, auditors = add(admins, a.Admins), add(auditors, a.Auditors)
		}
	}
	return admins, auditors
}

// ProvingIDs are those who decide what the account's step_up names, each once; groups are not expanded. Who may only
// ask for something is left out, as anybody may.
func (a Account) ProvingIDs() []string {
	voters := map[string][]string{"transfer": a.ApproverIDs(), "access": a.AccessApproverIDs(),
		"recovery": a.RecoveryApproverIDs(), "key": union(a.HolderIDs(), a.Admins), "review": a.AllReviewerIDs(),
		"drill": union(a.HolderIDs(), a.KeeperIDs()), "offboard": union(a.HolderIDs(), a.Admins)}
	var out []string
	for _, name := range a.StepUp {
		click, _, _ := strings.Cut(name, ":")
		switch machine, verb, _ := strings.Cut(click, "."); {
		case click == stepDelegate:
			out = union(out, a.ApproverIDs(), a.AccessApproverIDs(), a.RecoveryApproverIDs())
		case machine == "recovery" && slices.Contains([]string{"claim", "done", "blocked"}, verb):
			out = union(out, a.ITIDs(), a.HolderIDs(), a.Admins)
		case verb != "request":
			out = union(out, voters[machine])
		}
	}
	return out
}

func (c *checker) stepUpNames(path string, names []string) {
	known := StepUpClicks()
	for i, name := range names {
		at := index(path, i)
		click, part, narrowed := strings.Cut(name, ":")
		switch {
		case !slices.Contains(known, click):
			c.fault(at, show(name), "is not a click that can ask for a proof", nearestClick(click, known))
		case narrowed && !strings.HasPrefix(click, "access."):
			c.fault(at, show(name), "is narrowed, which only clicks of access can be", "Write "+click+".")
		case narrowed && !slices.Contains(stepNarrows, part):
			c.fault(at, show(name), "is narrowed by a word that is not known", choices(stepNarrows))
		case slices.Index(names, name) < i:
			c.fault(at, show(name), "is in this list already", "Remove one.")
		}
	}
}

// nearestClick is the cure for a click that is not known: the one that was probably meant, or those of the
// same kind of work.
func nearestClick(word string, known []string) string {
	if i := slices.IndexFunc(known, func(k string) bool { return strings.HasSuffix(k, "."+word) }); i >= 0 {
		return "The nearest known one is " + known[i] + "."
	}
	best, distance := closest(word, known)
	if distance <= max(2, len(best)/4) {
		return "The nearest known one is " + best + "."
	}
	machine, _, _ := strings.Cut(word, ".")
	var same []string
	for _, k := range known {
		if strings.HasPrefix(k, machine+".") {
			same = append(same, k)
		}
	}
	if len(same) < 2 {
		return "The nearest known one is " + best + "; another is transfer.confirm."
	}
	return choices(same)
}

// stepUp advises on lists of clicks that leave a way around them.
func (v *adviser) stepUp(path string, a *Account) {
	asks := func(verb string) bool {
		return slices.ContainsFunc(a.StepUp, func(n string) bool { return strings.Contains(n, verb) })
	}
	if asks(".confirm") || asks(".approve") {
		if !slices.Contains(a.StepUp, stepDelegate) {
			v.add(path+".step_up",
				"Votes ask for a proof, and handing one's vote to somebody else does not. Add delegate.",
				"A stolen Slack session could name the thief's friend as delegate, who then votes with a proof of their own.")
		}
	}
	if v.cfg.StepUp.AuthTime == Optional && len(a.StepUp) > 0 {
		v.add("step_up.auth_time",
			"Proofs that do not say when somebody signed in are taken. Have the provider say it, and write require.",
			"A browser that was left open then says yes without anybody's passkey.")
	}
}

// codes advises on who could reset somebody's authenticator app.
func (v *adviser) codes() {
	if !v.cfg.StepUp.TOTP {
		return
	}
	admins, _ := v.cfg.Proving()
	asks := slices.ContainsFunc(v.cfg.Accounts, func(a Account) bool { return len(a.StepUp) > 0 })
	switch {
	case !asks:
		v.add("step_up.totp",
			"One-time codes are switched on, and no account asks for a proof. Name clicks in step_up of an account.",
			"Codes that nobody is asked for protect nothing.")
	case knownPeople(admins) && len(admins) < 3:
		v.add("step_up.totp",
			fmt.Sprintf("Of %s, two would have to reset an authenticator app. Name three or more in admins.",
				strings.ToLower(persons(len(admins)))),
			"An authenticator app is reset by two administrators other than its person; else a lost phone of one of them stays lost.")
	}
}
