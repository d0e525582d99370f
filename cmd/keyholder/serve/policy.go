package serve

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/keyholder/keyholder/cmd/keyholder/config"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/authenticator"
)

// policies answers the configuration in the words of the workflows.
type policies struct {
	order []string
	byID  map[string]workflows.Policy
}

// Policies translates a configuration.
func Policies(cfg *config.Config) workflows.Policies {
	p := policies{byID: map[string]workflows.Policy{}}
	for _, a := range cfg.Accounts {
		p.order = append(p.order, a.ID)
		p.byID[a.ID] = policy(cfg, a)
	}
	if cfg.StepUp.TOTP {
		p.byID[workflows.AccountOfPeople] = ofPeople(cfg)
	}
	return p
}

// Policy implements workflows.Policies.
func (p policies) Policy(account string) (workflows.Policy, bool) {
	got, ok := p.byID[account]
	return got, ok
}

// Accounts implements workflows.Policies.
func (p policies) Accounts() []string { return p.order }

// ofPeople is who looks after authenticator apps.
func ofPeople(cfg *config.Config) workflows.Policy {
	admins, auditors := cfg.Proving()
	return workflows.Policy{ID: workflows.AccountOfPeople, Name: "One-time codes", Admins: admins, Auditors: auditors,
		Channel: cfg.Slack.Channel, StepUp: authenticator.Proofs()}
}

// uiHosts are the pages of the regions that the reference records.
var uiHosts = map[string]string{"us": "https://integrator.io", "eu": "https://eu.integrator.io"}

func policy(cfg *config.Config, a config.Account) workflows.Policy {
	out := workflows.Policy{
		ID: a.ID, Name: a.Name, Customer: a.Customer, Owner: a.Owner,
		Approvers: a.Approvers.IDs(), Lists: a.Approvers.Lists(), Quiet: a.Quiet, Admins: a.Admins,
		Auditors: a.Auditors,
		Channel:  a.ChannelOr(cfg.Slack.Channel), Token: cfg.Token(a.ID, "") != "", UIHost: uiHosts[a.Region],
		Transfer: workflows.TransferPolicy{
			Quorum: a.Transfer.Quorum, ConfirmWithin: a.Transfer.ConfirmWithin.Std(),
			Cooldown:     a.Transfer.Cooldown.Std(),
			AcceptWithin: a.Transfer.AcceptWithin.Std(), WatchEvery: a.Transfer.WatchEvery.Std(),
			OnErrors: a.Transfer.OnErrors, OnShared: a.Transfer.OnShared,
		},
	}
	out.Access = accessPolicy(cfg, a, out.Transfer)
	out.Review = reviewPolicy(a)
	out.Review.Late = lateness(cfg.Redis.Prefix, a.ID)
	out.Recovery = recoveryPolicy(a)
	out.Key = keyPolicy(a.Key)
	out.Conventions = workflows.Conventions{Naming: a.Conventions.Naming, Access: a.Conventions.Access}
	out.Mail = cfg.Secrets.MailURL != ""
	out.AlarmMail, out.AlarmHook = out.Mail && len(cfg.Alarm.To) > 0, cfg.Secrets.AlarmWebhook != ""
	out.TokenName = a.TokenName
	if ends, err := time.Parse(time.DateOnly, a.TokenEnds); err == nil {
		out.TokenEnds = ends
	}
	out.WarnBefore = lengths(a.Tokens.WarnBefore)
	out.StepUp = a.StepUp
	for _, al := range a.Aliases {
		out.Aliases = append(out.Aliases, workflows.Alias{
			Email: al.Email, Holders: al.Holders, Custodians: al.Custodians, Vault: al.Vault,
			Password: al.Password, SecondFactor: al.SecondFactor,
		})
	}
	return out
}

func accessPolicy(cfg *config.Config, a config.Account, t workflows.TransferPolicy) workflows.AccessPolicy {
	out := workflows.AccessPolicy{
		Approvers: a.AccessApproverIDs(), Lists: a.Access.Approvers.Lists(),
		Quorum: a.Access.Quorum, AdministratorQuorum: a.Access.AdministratorQuorum,
		ConfirmWithin: a.Access.ConfirmWithin.Std(), DefaultFor: a.Access.DefaultFor.Text,
		UrgentFor:  a.Access.UrgentFor.Std(),
		DriftEvery: a.Access.DriftEvery.Std(), AcceptWithin: t.AcceptWithin, WatchEvery: t.WatchEvery,
	}
	for _, f := range a.Access.For {
		out.For = append(out.For, workflows.TimeBox{Text: f.Text, Length: f.Length.Std()})
	}
	for _, n := range a.Access.Notice {
		out.Notice = append(out.Notice, n.Std())
	}
	for _, e := range a.Environments {
		out.Environments = append(out.Environments, workflows.Environment{Name: e.Name,
			Token: cfg.Token(a.ID, e.Name) != ""})
	}
	return out
}

// openWithin is how long after the beginning of working hours the last account's review opens.
const openWithin = 5 * time.Minute

// lateness is the same at every start, and another one for each account of each record: two hundred
// reviews that are due at the same Monday's nine o'clock do not ask integrator.io, Slack and Redis at
// the same moment.
func lateness(prefix, account string) time.Duration {
	sum := sha256.Sum256([]byte(prefix + "/" + account))
	return time.Duration(binary.BigEndian.Uint64(sum[:8])%uint64(openWithin/time.Second)) * time.Second
}

// reviewPolicy translates the review section. Its notation was checked when the file was loaded;
// what cannot be read here leaves an account without calendar.
func reviewPolicy(a config.Account) workflows.ReviewPolicy {
	r := a.Review
	out := workflows.ReviewPolicy{
		Every: r.Every, Zone: r.Timezone, Window: r.Window.Std(), Grace: r.Grace.Std(), Reviewers: a.ReviewerIDs(),
		ByRole: r.ReviewersByRole, ByIntegration: r.ReviewersByIntegration,
		RemindEvery: r.RemindEvery.Std(), RemindBefore: lengths(r.RemindBefore), OverdueEvery: r.OverdueEvery.Std(),
		Escalate:      lengths(r.EscalateAfter),
		InactiveAfter: r.InactiveAfter.Std(), InactivePrivilegedAfter: r.InactivePrivilegedAfter.Std(),
		ExemptNew: r.ExemptNew.Std(),
		NoAnswer:  r.NoAnswer, FixWithin: r.FixWithin.Std(), FixPrivilegedWithin: r.FixPrivilegedWithin.Std(),
	}
	if s, err := config.ParseStarts(r.Starts); err == nil {
		out.Starts = workflows.Starts{Nth: s.Nth, Weekday: s.Weekday, Day: s.Day}
	}
	if from, to, err := config.ParseHours(r.Hours); err == nil {
		out.From, out.To = from, to
	}
	if days, err := config.ParseDays(r.Days); err == nil {
		out.Days = days
	}
	return out
}

func recoveryPolicy(a config.Account) workflows.RecoveryPolicy {
	r := a.Recovery
	return workflows.RecoveryPolicy{
		Approvers: a.RecoveryApproverIDs(), Lists: r.Approvers.Lists(), Quorum: r.Quorum,
		ConfirmWithin: r.ConfirmWithin.Std(), Cooldown: r.Cooldown.Std(), IT: a.ITIDs(),
		RungWithin: r.RungWithin.Std(), RemindEvery: r.RemindEvery.Std(),
	}
}

func keyPolicy(k config.Key) workflows.KeyPolicy {
	out := workflows.KeyPolicy{
		Quorum: k.Quorum, ApproveWithin: k.ApproveWithin.Std(), ExplainWithin: k.ExplainWithin.Std(),
		AnswerWithin: k.AnswerWithin.Std(), WatchEvery: k.WatchEvery.Std(), DrillEvery: k.DrillEvery.Std(),
		DrillWithin: k.DrillWithin.Std(), Turn: k.Turn.Std(),
	}
	for _, f := range k.For {
		out.For = append(out.For, workflows.TimeBox{Text: f.String(), Length: f.Std()})
	}
	return out
}

func lengths(all []config.Duration) []time.Duration {
	var out []time.Duration
	for _, d := range all {
		out = append(out, d.Std())
	}
	return out
}

// gatewayEnvironments lists the tokens of an account by environment, production under "".
func gatewayEnvironments(cfg *config.Config, a config.Account) map[string]string {
	tokens := map[string]string{}
	if t := cfg.Token(a.ID, ""); t != "" {
		tokens[""] = t
	}
	for _, e := range a.Environments {
		if t := cfg.Token(a.ID, e.Name); t != "" {
			tokens[e.Name] = t
		}
	}
	return tokens
}
