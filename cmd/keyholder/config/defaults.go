package config

import "time"

const (
	second = Duration(time.Second)
	minute = Duration(time.Minute)
	hour   = Duration(time.Hour)
	day    = 24 * hour
)

// Default is the configuration before the file is read: no account, everything else as the contract says.
func Default() *Config {
	return &Config{
		Listen: "127.0.0.1:9090",
		Redis:  Redis{URL: "redis://127.0.0.1:6379/0", Shards: 16, Prefix: "kh", URLEnv: EnvRedisURL},
		Slack:  Slack{Command: "/io", AppTokenEnv: EnvSlackAppToken, BotTokenEnv: EnvSlackBotToken},
		StepUp: StepUp{Claim: ClaimEmail, MaxAge: 10 * minute, AuthTime: Require, EmailVerified: Require},
	}
}

// DefaultAccount is an account before the file is read. The numbers are the contract's; where they come
// from is told in doc.go.
func DefaultAccount() Account {
	return Account{
		Region: "us",
		Transfer: Transfer{
			Quorum:        2,
			ConfirmWithin: 72 * hour,
			Cooldown:      24 * hour,
			AcceptWithin:  120 * hour,
			WatchEvery:    minute,
			OnErrors:      Block,
			OnShared:      Warn,
		},
		Access: Access{
			Quorum:              1,
			AdministratorQuorum: 2,
			ConfirmWithin:       72 * hour,
			For: []Span{{"1d", day}, {"7d", 7 * day}, {"30d", 30 * day}, {"90d", 90 * day},
				{Always, 0}},
			DefaultFor: Span{"7d", 7 * day},
			Notice:     []Duration{day, hour},
			UrgentFor:  4 * hour,
			DriftEvery: 6 * hour,
		},
		Review: Review{
			Every:                   Quarter,
			Starts:                  "first monday",
			Timezone:                "UTC",
			Window:                  14 * day,
			Grace:                   7 * day,
			RemindEvery:             7 * day,
			RemindBefore:            []Duration{3 * day, day, 0},
			OverdueEvery:            day,
			Hours:                   "09:00-17:00",
			Days:                    "mon-fri",
			EscalateAfter:           []Duration{7 * day, 10 * day},
			InactiveAfter:           90 * day,
			InactivePrivilegedAfter: 30 * day,
			ExemptNew:               30 * day,
			NoAnswer:                Keep,
			FixWithin:               5 * day,
			FixPrivilegedWithin:     day,
		},
		Recovery: Recovery{
			Quorum:        2,
			ConfirmWithin: 24 * hour,
			Cooldown:      hour,
			RungWithin:    3 * day,
			RemindEvery:   day,
		},
		Key: Key{
			For:           []Duration{hour, 4 * hour, 8 * hour},
			Quorum:        1,
			ApproveWithin: 4 * hour,
			ExplainWithin: 3 * day,
			AnswerWithin:  24 * hour,
			WatchEvery:    10 * minute,
			DrillEvery:    90 * day,
			DrillWithin:   14 * day,
			Turn:          24 * hour,
		},
		Tokens: Tokens{WarnBefore: []Duration{14 * day, 7 * day, day}},
	}
}
