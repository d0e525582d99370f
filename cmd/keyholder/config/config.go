package config

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Config is the whole configuration: the file over the defaults, and the secrets of the environment.
// The yaml tags are the keys of the contract; a test compares them with the template.
type Config struct {
	// Listen is the host:port of /healthz, /readyz and /metrics. Empty turns them off.
	Listen string `yaml:"listen"`
	// Redis says where the record is kept.
	Redis Redis `yaml:"redis"`
	// Slack holds what the file says about Slack; the tokens are in Secrets.
	Slack Slack `yaml:"slack"`
	// Accounts are the integrator.io accounts, in file order, at least one.
	Accounts []Account `yaml:"accounts"`
	// Mail is how letters are sent. Empty: people attest in drills, and alarms go without letters.
	Mail Mail `yaml:"mail"`
	// Alarm is a second way, beside Slack, to hear of an alarm.
	Alarm Alarm `yaml:"alarm"`
	// StepUp is the identity provider of the proofs that accounts ask for.
	StepUp StepUp `yaml:"step_up"`

	// Secrets come from the environment alone and never print.
	Secrets Secrets `yaml:"-"`

	file  string
	hash  string
	marks marks
}

// Redis names the servers. One of URL and Addrs is set, except that both may be empty when REDIS_URL is given.
type Redis struct {
	// URL of one server (redis://, rediss:// or unix://), without a password: that belongs in REDIS_URL.
	URL string `yaml:"url"`
	// Addrs are host:port of the Sentinels, or of some nodes of the cluster.
	Addrs []string `yaml:"addrs"`
	// Master is the name the Sentinels know the master by; it makes Addrs (or REDIS_URL) Sentinels.
	Master string `yaml:"master"`
	// Cluster says that Addrs (or REDIS_URL) are nodes of a Redis Cluster.
	Cluster bool `yaml:"cluster"`
	// Shards is how many shards the keys are spread over, 1 to 100. Fixed at the first start.
	Shards int `yaml:"shards"`
	// Prefix begins every key, so that several installations can share a Redis. Fixed at the first
	// start: under another one an empty record begins.
	Prefix string `yaml:"prefix"`
	// URLEnv names the environment variable whose address, which may hold a password, wins over URL and Addrs.
	URLEnv string `yaml:"url_env"`
}

// Slack is what the file says about Slack.
type Slack struct {
	// Command is the slash command, beginning with "/", at most 32 characters.
	Command string `yaml:"command"`
	// Channel is the ID of the channel for notices. It may be empty, which Advice mentions.
	Channel string `yaml:"channel"`
	// AuditChannel is the ID of the channel for audit checkpoints. Empty: Channel.
	AuditChannel string `yaml:"audit_channel"`
	// AppTokenEnv and BotTokenEnv name the environment variables with the app's tokens.
	AppTokenEnv string `yaml:"app_token_env"`
	BotTokenEnv string `yaml:"bot_token_env"`
}

// Account is one integrator.io account.
type Account struct {
	// ID is what people type; a-z, 0-9 and "-", unique in the file.
	ID string `yaml:"id"`
	// Name is what cards show; the ID when the file gives none.
	Name string `yaml:"name"`
	// Customer groups the accounts of a consultancy. May be empty.
	Customer string `yaml:"customer"`
	// Region is one of Regions.
	Region string `yaml:"region"`
	// APIURL replaces the region's host: a proxy, a simulator. Without /v1. See APIBase.
	APIURL string `yaml:"api_url"`
	// TokenEnv names the environment variable with the API token. Empty: people act and attest.
	TokenEnv string `yaml:"token_env"`
	// TokenName is what that token is called at integrator.io, so that its kind and end are known;
	// TokenEnds is its last day, as 2027-02-01, where it cannot be read. Both may be empty.
	TokenName string `yaml:"token_name"`
	TokenEnds string `yaml:"token_ends"`
	// Owner is the e-mail address of the owner at the first start; later the record knows better.
	Owner string `yaml:"owner"`
	// Aliases are the shared mailboxes that may own the account, at least one.
	Aliases []Alias `yaml:"aliases"`
	// Approvers are who may confirm a transfer; empty means every alias holder. See ApproverIDs.
	Approvers Approvers `yaml:"approvers"`
	// Quiet are approvers, of whatever question, who get no card for it; they see it in mine and App Home.
	Quiet []string `yaml:"quiet"`
	// Admins may also request and run reviews.
	Admins []string `yaml:"admins"`
	// Auditors may read the record and export; they never vote.
	Auditors []string `yaml:"auditors"`
	// Channel replaces Slack.Channel for this account. See ChannelOr.
	Channel string `yaml:"channel"`
	// Environments are the account's environments besides production, read by access and reviews.
	Environments []Environment `yaml:"environments"`
	// Transfer, Access, Review, Recovery and Key are the rules of the kinds of work.
	Transfer Transfer `yaml:"transfer"`
	Access   Access   `yaml:"access"`
	Review   Review   `yaml:"review"`
	Recovery Recovery `yaml:"recovery"`
	Key      Key      `yaml:"key"`
	// Tokens says when the end of Keyholder's own API token is told.
	Tokens Tokens `yaml:"tokens"`
	// Conventions are the operator's own texts for the documentation.
	Conventions Conventions `yaml:"conventions"`
	// StepUp names the clicks that count only with a proof of who it is. See StepUpClicks.
	StepUp []string `yaml:"step_up"`
}

// Alias is a shared mailbox that may own an account.
type Alias struct {
	// Email is the mailbox's address.
	Email string `yaml:"email"`
	// Holders are the Slack user or user-group IDs of those who can read the mailbox, at least one.
	Holders []string `yaml:"holders"`
	// Custodians are the holders who can also use its password and second factor: short for both keys below, and
	// never beside them. Empty, like those: unknown, which is flagged. See PasswordIDs and SecondFactorIDs.
	Custodians []string `yaml:"custodians"`
	// Password are who can use the owner's password, SecondFactor who can use its second factor: user or user-group
	// IDs, who need not be holders.
	Password     []string `yaml:"password"`
	SecondFactor []string `yaml:"second_factor"`
	// Vault names the place of the secret, never the secret. May be empty, which is flagged.
	Vault string `yaml:"vault"`
}

// Environment is one environment of an account besides production.
type Environment struct {
	// Name is shown and chosen; unique in the account, never "production".
	Name string `yaml:"name"`
	// TokenEnv names the environment variable with that environment's API token. May be empty.
	TokenEnv string `yaml:"token_env"`
}

// Transfer holds the rules for changing the owner.
type Transfer struct {
	// Quorum is how many must confirm, at least 1.
	Quorum int `yaml:"quorum"`
	// ConfirmWithin is how long they have.
	ConfirmWithin Duration `yaml:"confirm_within"`
	// Cooldown is how long a confirmed transfer can still be stopped.
	Cooldown Duration `yaml:"cooldown"`
	// AcceptWithin is how long the new owner has to accept.
	AcceptWithin Duration `yaml:"accept_within"`
	// WatchEvery is how often integrator.io is looked at while something is awaited there.
	WatchEvery Duration `yaml:"watch_every"`
	// OnErrors says what open errors do to a transfer: Block, Warn or Ignore.
	OnErrors string `yaml:"on_errors"`
	// OnShared says what shared integrations and connections do to a transfer: Block, Warn or Ignore.
	OnShared string `yaml:"on_shared"`
}

// Access holds the rules for granting, changing and removing access.
type Access struct {
	// Approvers are who may approve; empty means holders and administrators. See AccessApproverIDs.
	Approvers Approvers `yaml:"approvers"`
	// Quorum is how many must approve, at least 1.
	Quorum int `yaml:"quorum"`
	// AdministratorQuorum is how many must approve when somebody gains administrator, at least 1.
	AdministratorQuorum int `yaml:"administrator_quorum"`
	// ConfirmWithin is how long they have.
	ConfirmWithin Duration `yaml:"confirm_within"`
	// For are the lengths offered, each once, in the order of the menu.
	For []Span `yaml:"for"`
	// DefaultFor is the one chosen at first; always one of For.
	DefaultFor Span `yaml:"default_for"`
	// Notice is how long before the end the person is told, once for each.
	Notice []Duration `yaml:"notice"`
	// UrgentFor is how long urgent access lasts without an approval.
	UrgentFor Duration `yaml:"urgent_for"`
	// DriftEvery is how often the account is compared with the record.
	DriftEvery Duration `yaml:"drift_every"`
}

// Review holds the rules for access reviews.
type Review struct {
	// Every is the period: Month, Quarter, Half or Year.
	Every string `yaml:"every"`
	// Starts is the day of the period's first month on which the review opens. See ParseStarts.
	Starts string `yaml:"starts"`
	// Timezone is an IANA name. See Location.
	Timezone string `yaml:"timezone"`
	// Window is how long reviewers have, Grace how long after that a review stays open.
	Window Duration `yaml:"window"`
	Grace  Duration `yaml:"grace"`
	// Reviewers are Slack user or user-group IDs; empty means administrators and holders. See ReviewerIDs.
	Reviewers []string `yaml:"reviewers"`
	// ReviewersByRole and ReviewersByIntegration name others for the rows with one of ReviewRoles,
	// or with custom access to an integration, given by its ID or very name. A key is kept as
	// written; the integration's rule comes before the role's, and that before Reviewers.
	ReviewersByRole        map[string][]string `yaml:"reviewers_by_role"`
	ReviewersByIntegration map[string][]string `yaml:"reviewers_by_integration"`
	// RemindEvery, RemindBefore (counted back from the due time, 0s is the due time itself) and OverdueEvery
	// time the reminders.
	RemindEvery  Duration   `yaml:"remind_every"`
	RemindBefore []Duration `yaml:"remind_before"`
	OverdueEvery Duration   `yaml:"overdue_every"`
	// Hours ("09:00-17:00") and Days ("mon-fri") are when reminders are sent; empty means any. See
	// ParseHours, ParseDays.
	Hours string `yaml:"hours"`
	Days  string `yaml:"days"`
	// EscalateAfter is how long after the start others are told, once for each.
	EscalateAfter []Duration `yaml:"escalate_after"`
	// InactiveAfter and InactivePrivilegedAfter are when somebody who has not signed in is flagged.
	InactiveAfter           Duration `yaml:"inactive_after"`
	InactivePrivilegedAfter Duration `yaml:"inactive_privileged_after"`
	// ExemptNew is how long a new user is not flagged as inactive.
	ExemptNew Duration `yaml:"exempt_new"`
	// NoAnswer says what happens to a row nobody decided: Keep or Remove.
	NoAnswer string `yaml:"no_answer"`
	// FixWithin and FixPrivilegedWithin are how long the agreed changes may take.
	FixWithin           Duration `yaml:"fix_within"`
	FixPrivilegedWithin Duration `yaml:"fix_privileged_within"`
}

// Recovery holds the rules for an owner that nobody can sign in as.
type Recovery struct {
	// Approvers are who may approve; empty means those of a transfer and the administrators. See RecoveryApproverIDs.
	Approvers Approvers `yaml:"approvers"`
	// Quorum is how many must approve, at least 1.
	Quorum int `yaml:"quorum"`
	// ConfirmWithin is how long they have.
	ConfirmWithin Duration `yaml:"confirm_within"`
	// Cooldown is how long an approved recovery can still be stopped before the first rung.
	Cooldown Duration `yaml:"cooldown"`
	// IT are those who look after mailboxes; empty means the administrators. See ITIDs.
	IT []string `yaml:"it"`
	// RungWithin is when a rung that is not done is late.
	RungWithin Duration `yaml:"rung_within"`
	// RemindEvery is how often whoever does a late rung is reminded.
	RemindEvery Duration `yaml:"remind_every"`
}

// Key holds the rules for the use of the owner's key, and for drills.
type Key struct {
	// For are the lengths of a use offered, each once, in the order of the menu. Never always.
	For []Duration `yaml:"for"`
	// Quorum is how many holders or administrators must approve a use; 0: none, the key is out at once.
	Quorum int `yaml:"quorum"`
	// ApproveWithin is how long they have.
	ApproveWithin Duration `yaml:"approve_within"`
	// ExplainWithin is how long after its end a use may stay unexplained.
	ExplainWithin Duration `yaml:"explain_within"`
	// AnswerWithin is how long a sign-in that belongs to no use may stay unanswered before it is an alarm.
	AnswerWithin Duration `yaml:"answer_within"`
	// WatchEvery is how often the owner's sign-ins are read, where a token can.
	WatchEvery Duration `yaml:"watch_every"`
	// DrillEvery is how long after the last drill the next one begins by itself; 0: only on demand.
	DrillEvery Duration `yaml:"drill_every"`
	// DrillWithin is how long a drill waits for answers, Turn how long one keeper's turn lasts while others wait.
	DrillWithin Duration `yaml:"drill_within"`
	Turn        Duration `yaml:"turn"`
}

// Tokens says when the end of Keyholder's own token is told.
type Tokens struct {
	// WarnBefore is how long before the end administrators are told, once for each.
	WarnBefore []Duration `yaml:"warn_before"`
}

// Conventions are texts, or links, of the operator's own, shown in the documentation.
type Conventions struct {
	Naming string `yaml:"naming"`
	Access string `yaml:"access"`
}

// Mail is how letters are sent.
type Mail struct {
	// URLEnv names the environment variable with the server: smtps://user:password@host:465, or smtp://…:587 with
	// STARTTLS. Empty: no letters.
	URLEnv string `yaml:"url_env"`
	// From is the address that letters come from.
	From string `yaml:"from"`
}

// Alarm is who else hears of an alarm.
type Alarm struct {
	// To are e-mail addresses; they need Mail.
	To []string `yaml:"to"`
	// WebhookEnv names the environment variable with a URL that takes a POST of JSON, WebhookSecretEnv the one with
	// the secret it is signed with.
	WebhookEnv       string `yaml:"webhook_env"`
	WebhookSecretEnv string `yaml:"webhook_secret_env"`
}

// The words the file uses for a choice.
const (
	// Block stops a transfer until fixed or waived, Warn shows it, Ignore does not look.
	Block  = "block"
	Warn   = "warn"
	Ignore = "ignore"
	// Keep and Remove are the values of no_answer.
	Keep   = "keep"
	Remove = "remove"
	// Month, Quarter, Half and Year are the values of every.
	Month   = "month"
	Quarter = "quarter"
	Half    = "half"
	Year    = "year"
	// Production is the name of the environment that every account has.
	Production = "production"
)

// regionHosts are the regions of integrator.io, with the host of each region's API.
var regionHosts = map[string]string{
	"us": "https://api.integrator.io",
	"eu": "https://api.eu.integrator.io",
	"au": "https://api.au.integrator.io",
	"ca": "https://api.ca.integrator.io",
}

// Regions returns the regions of integrator.io in the order of the contract.
func Regions() []string { return []string{"us", "eu", "au", "ca"} }

// Account finds an account by its ID; letter case does not matter.
func (c *Config) Account(id string) (*Account, bool) {
	for i := range c.Accounts {
		if strings.EqualFold(c.Accounts[i].ID, id) {
			return &c.Accounts[i], true
		}
	}
	return nil, false
}

// File is the name the configuration was read from, as it was given to Load or Parse.
func (c *Config) File() string { return c.file }

// RedisURL is the URL to use: REDIS_URL, or the file's. It may hold a password. Empty means Redis.Addrs.
func (c *Config) RedisURL() string {
	if c.Secrets.RedisURL != "" {
		return c.Secrets.RedisURL
	}
	return c.Redis.URL
}

// Token is the API token of an account's environment; "" and Production are the account itself.
// The token is "" when the file names none.
func (c *Config) Token(account, environment string) string {
	if environment == "" || environment == Production {
		return c.Secrets.AccountTokens[account]
	}
	return c.Secrets.AccountTokens[account+"/"+environment]
}

// HolderIDs are the holders of all aliases, in file order, each once. Groups are not expanded.
func (a Account) HolderIDs() []string {
	var lists [][]string
	for _, alias := range a.Aliases {
		lists = append(lists, alias.Holders)
	}
	return union(lists...)
}

// ApproverIDs are those who may confirm a transfer: Approvers, or every alias holder, in order, each once.
func (a Account) ApproverIDs() []string {
	if ids := a.Approvers.IDs(); len(ids) > 0 {
		return ids
	}
	return a.HolderIDs()
}

// AccessApproverIDs are those who may approve access: Access.Approvers, or holders and administrators, each once.
func (a Account) AccessApproverIDs() []string {
	if ids := a.Access.Approvers.IDs(); len(ids) > 0 {
		return ids
	}
	return union(a.HolderIDs(), a.Admins)
}

// RecoveryApproverIDs are those who may approve a recovery: Recovery.Approvers, or those of a transfer and the
// administrators, each once.
func (a Account) RecoveryApproverIDs() []string {
	if ids := a.Recovery.Approvers.IDs(); len(ids) > 0 {
		return ids
	}
	return union(a.ApproverIDs(), a.Admins)
}

// ITIDs are those who look after mailboxes: Recovery.IT, or the administrators, each once.
func (a Account) ITIDs() []string {
	if len(a.Recovery.IT) > 0 {
		return union(a.Recovery.IT)
	}
	return union(a.Admins)
}

// KeeperIDs are those who can use the password or the second factor of an alias, each once.
func (a Account) KeeperIDs() []string {
	var lists [][]string
	for _, alias := range a.Aliases {
		lists = append(lists, alias.PasswordIDs(), alias.SecondFactorIDs())
	}
	return union(lists...)
}

// PasswordIDs are those who can use the password, each once; empty when it is not known.
func (a Alias) PasswordIDs() []string { return union(a.Custodians, a.Password) }

// SecondFactorIDs are those who can use the second factor, each once; empty when it is not known.
func (a Alias) SecondFactorIDs() []string { return union(a.Custodians, a.SecondFactor) }

// ReviewerIDs are those who review: Review.Reviewers, or administrators and holders, each once.
func (a Account) ReviewerIDs() []string {
	if len(a.Review.Reviewers) > 0 {
		return union(a.Review.Reviewers)
	}
	return union(a.Admins, a.HolderIDs())
}

// AllReviewerIDs are those who review any row: ReviewerIDs, and those named for roles and integrations, each once.
func (a Account) AllReviewerIDs() []string {
	all := a.ReviewerIDs()
	for _, rules := range []map[string][]string{a.Review.ReviewersByRole, a.Review.ReviewersByIntegration} {
		for _, key := range slices.Sorted(maps.Keys(rules)) {
			all = append(all, rules[key]...)
		}
	}
	return union(all)
}

// Alias finds one of the account's aliases by its address; letter case does not matter.
func (a Account) Alias(email string) (*Alias, bool) {
	for i := range a.Aliases {
		if strings.EqualFold(a.Aliases[i].Email, strings.TrimSpace(email)) {
			return &a.Aliases[i], true
		}
	}
	return nil, false
}

// CheckpointChannel is where audit checkpoints go; empty: nowhere.
func (s Slack) CheckpointChannel() string { return cmp.Or(s.AuditChannel, s.Channel) }

// ChannelOr is the account's own channel, or the given one when it has none.
func (a Account) ChannelOr(fallback string) string {
	if a.Channel != "" {
		return a.Channel
	}
	return fallback
}

// APIBase is the host of the account's API, without /v1 and without a slash at the end:
// api_url, or the region's host. Source of the hosts: integrator.io's developer documentation.
func (a Account) APIBase() string {
	if a.APIURL != "" {
		return strings.TrimRight(a.APIURL, "/")
	}
	return regionHosts[a.Region]
}

// ReviewRoles are the roles that reviewers_by_role may name, the widest first.
func ReviewRoles() []string { return []string{"owner", "administrator", "manage", "monitor", "custom"} }

// IsGroup says whether a Slack ID names a user group.
func IsGroup(id string) bool { return strings.HasPrefix(id, "S") }

func union(lists ...[]string) []string {
	seen := map[string]bool{}
	out := []string{}
	for _, list := range lists {
		for _, id := range list {
			if !seen[id] {
				seen[id] = true
				out = append(out, id)
			}
		}
	}
	return out
}
