package config

import (
	"net/mail"
	"slices"
)

func (c *checker) recovery(path string, a *Account) {
	at, r := path+".recovery", a.Recovery
	_, known := c.count(path+".admins", a.Admins)
	known = known && c.transferApproversKnown(path, a)
	if len(r.Approvers) > 0 {
		known = c.approversKnown(at+".approvers", r.Approvers)
	}
	c.approvers(at+".approvers", r.Approvers)
	c.quorum(at+".quorum", r.Quorum, len(a.RecoveryApproverIDs()), known, "approvers of a recovery")
	c.atLeastSecond(at+".confirm_within", r.ConfirmWithin)
	c.atLeastSecond(at+".cooldown", r.Cooldown)
	c.ids(at+".it", r.IT)
	c.atLeastSecond(at+".rung_within", r.RungWithin)
	c.atLeastSecond(at+".remind_every", r.RemindEvery)
}

func (c *checker) key(path string, a *Account) {
	at, k := path+".key", a.Key
	if len(k.For) == 0 {
		c.fault(at+".for", "", "No length of a use is offered", "Write at least one, such as [1h, 4h].")
	}
	if len(k.For) > longestMenu {
		c.fault(at+".for", "", "More than 100 lengths are offered, which is what a Slack menu holds",
			"Shorten the list.")
	}
	c.lengths(at+".for", k.For, second)
	switch {
	case k.Quorum < 0:
		c.fault(at+".quorum", show(itoa(k.Quorum)), "is less than 0",
			"Write 0 for no question before a use, or how many holders or administrators must approve one.")
	case k.Quorum > 0:
		c.quorum(at+".quorum", k.Quorum, len(union(a.HolderIDs(), a.Admins)), c.managersKnown(path, a),
			"holders or administrators")
	}
	c.atLeastSecond(at+".approve_within", k.ApproveWithin)
	c.atLeastSecond(at+".explain_within", k.ExplainWithin)
	c.atLeastSecond(at+".answer_within", k.AnswerWithin)
	c.atLeastSecond(at+".watch_every", k.WatchEvery)
	if k.DrillEvery != 0 { // 0: only on demand
		c.atLeastSecond(at+".drill_every", k.DrillEvery)
	}
	c.atLeastSecond(at+".drill_within", k.DrillWithin)
	c.atLeastSecond(at+".turn", k.Turn)
}

const (
	longestMenu = 100  // options of a Slack menu
	longestText = 2000 // of a convention; Slack shows 3000 characters in one section, and a heading stands before it
)

func (c *checker) text(path, text string) {
	if n := len([]rune(text)); n > longestText {
		c.fault(path, show(text), "is longer than "+itoa(longestText)+" characters", "Shorten it, or write a link.")
	}
}

func (c *checker) mail(m Mail) {
	c.variable("mail.url_env", m.URLEnv, "MAIL_URL", "the mail server's address")
	switch {
	case m.From == "" && m.URLEnv != "":
		c.fault("mail.from", "", "The address that letters come from is missing",
			"Write it like keyholder@acme.example.")
	case m.From != "":
		if _, err := mail.ParseAddress(m.From); err != nil {
			c.fault("mail.from", show(m.From), "is not an e-mail address", "Write it like keyholder@acme.example.")
		}
	}
}

func (c *checker) alarm(cfg *Config) {
	seen := map[string]bool{}
	for i, to := range cfg.Alarm.To {
		at := index("alarm.to", i)
		c.email(at, to)
		if seen[to] {
			c.fault(at, show(to), "is named twice in this list", "Remove one.")
		}
		seen[to] = true
	}
	if len(cfg.Alarm.To) > 0 && cfg.Mail.URLEnv == "" {
		c.fault("alarm.to", "", "Alarms are to go out by mail, and no mail server is named",
			"Fill in mail, or empty this list.")
	}
	c.variable("alarm.webhook_env", cfg.Alarm.WebhookEnv, "ALARM_WEBHOOK", "the webhook's address")
	c.variable("alarm.webhook_secret_env", cfg.Alarm.WebhookSecretEnv, "ALARM_WEBHOOK_SECRET", "the secret")
	if cfg.Alarm.WebhookSecretEnv != "" && cfg.Alarm.WebhookEnv == "" {
		c.fault("alarm.webhook_secret_env", "", "There is a secret and no webhook that is signed with it",
			"Fill in webhook_env, or empty this.")
	}
}

// variable checks the name of an environment variable that holds a secret.
func (c *checker) variable(path, name, example, holds string) {
	if name != "" && !variableName.MatchString(name) {
		// Not shown: what stands here by mistake is often the secret itself.
		c.fault(path, "", "This is not the name of an environment variable",
			"Write the name, such as "+example+", and set the variable to "+holds+"; never write it here.")
	}
}

// soleKeeper is the one who is alone in both lists; "" when there is none.
func soleKeeper(password, factor []string) string {
	if len(password) == 1 && slices.Equal(password, factor) && !IsGroup(password[0]) {
		return password[0]
	}
	return ""
}
