package config

import (
	"fmt"

	"github.com/rs/zerolog"
)

// Secrets are the values that come from the environment alone. The struct never prints, whatever the verb
// or encoder; read the fields one by one where they are used.
type Secrets struct {
	// SlackAppToken (xapp-) opens the socket, SlackBotToken (xoxb-) calls the Web API.
	SlackAppToken string
	SlackBotToken string
	// SlackAPIURL replaces https://slack.com/api/ for a simulator; it ends with a slash. Usually empty.
	SlackAPIURL string
	// RedisURL wins over the file. It may hold a password.
	RedisURL string
	// SealKeys are those of KEYHOLDER_SEAL_KEY, each of 32 bytes: the first seals, all verify.
	// Empty: nothing is sealed.
	SealKeys [][]byte
	// AccountTokens are the integrator.io tokens by "account" or "account/environment".
	AccountTokens map[string]string
	// MailURL is the mail server, with its password; "" without one.
	MailURL string
	// AlarmWebhook is the URL that alarms are posted to, AlarmSecret what they are signed with.
	AlarmWebhook string
	AlarmSecret  string
	// StepUpSecret is the client's secret at the identity provider; "" for a public client.
	StepUpSecret string
}

const redacted = "(secrets, not shown)"

// String hides the values.
func (Secrets) String() string { return redacted }

// GoString hides the values.
func (Secrets) GoString() string { return redacted }

// Format hides the values for every verb of fmt, also those that do not ask for String.
func (Secrets) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalJSON hides the values.
func (Secrets) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText hides the values.
func (Secrets) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalYAML hides the values.
func (Secrets) MarshalYAML() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalZerologObject hides the values.
func (Secrets) MarshalZerologObject(e *zerolog.Event) { e.Str("secrets", redacted) }
