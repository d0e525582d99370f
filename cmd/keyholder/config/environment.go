package config

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// The variables of the contract. Account tokens are in the variables that the file names.
const (
	EnvSlackAppToken = "SLACK_APP_TOKEN"
	EnvSlackBotToken = "SLACK_BOT_TOKEN"
	EnvSlackAPIURL   = "SLACK_API_URL"
	EnvRedisURL      = "REDIS_URL"
	EnvSealKey       = "KEYHOLDER_SEAL_KEY"
)

// fromEnvironment fills the secrets and returns what is missing or wrong in the environment. An empty variable
// counts as unset: a compose file passes on variables it does not have as empty ones.
func fromEnvironment(cfg *Config, lookupEnv func(string) (string, bool)) []Fault {
	e := &environment{cfg: cfg, lookup: lookupEnv}
	cfg.Secrets = Secrets{
		SlackAppToken: e.slackToken("slack.app_token_env", cfg.Slack.AppTokenEnv, "xapp-",
			"Make an app-level token with the scope connections:write under Basic Information of the Slack app"),
		SlackBotToken: e.slackToken("slack.bot_token_env", cfg.Slack.BotTokenEnv, "xoxb-",
			"Install the Slack app and copy the Bot User OAuth Token from OAuth & Permissions"),
		SlackAPIURL:   e.slackAPIURL(),
		RedisURL:      e.redisURL(),
		SealKeys:      e.sealKeys(),
		AccountTokens: map[string]string{},
	}
	for i, account := range cfg.Accounts {
		path := index("accounts", i)
		e.accountToken(path+".token_env", account.TokenEnv, account.ID)
		for j, environment := range account.Environments {
			e.accountToken(index(path+".environments", j)+".token_env", environment.TokenEnv,
				account.ID+"/"+environment.Name)
		}
	}
	e.mailURL()
	e.alarmWebhook()
	cfg.Secrets.StepUpSecret = e.named("step_up.client_secret_env", cfg.StepUp.ClientSecretEnv,
		"Set it to the client's secret at the identity provider, or leave client_secret_env empty for a public client.")
	if cfg.StepUp.TOTP && e.get(EnvSealKey) == "" {
		e.fault(EnvSealKey, "This environment variable is not set, and step_up.totp seals with it what its codes are made of",
			"Make a key with: openssl rand -base64 32. Set it for every replica, or write totp: false.")
	}
	return e.faults
}

type environment struct {
	cfg    *Config
	lookup func(string) (string, bool)
	faults []Fault
}

func (e *environment) get(name string) string {
	if e.lookup == nil {
		return ""
	}
	value, _ := e.lookup(name)
	return strings.TrimSpace(value)
}

func (e *environment) fault(name, problem, cure string) {
	e.faults = append(e.faults, Fault{Field: name, Problem: problem, Cure: cure, Environment: true})
}

// slackToken reads the variable that the file names at path. A name that is none is told by the rules of the file.
func (e *environment) slackToken(path, name, prefix, where string) string {
	if !variableName.MatchString(name) || e.cfg.marks.unread(path) {
		return ""
	}
	value := e.get(name)
	switch {
	case value == "":
		e.fault(name, "This environment variable is not set", where+", and set it. It begins with "+prefix+".")
	case quoted(value):
		e.fault(name, "The token in this environment variable stands in quotes, which became a part of it",
			"Set it without them: a file for docker --env-file or systemd takes everything after the = as it stands.")
	case !strings.HasPrefix(value, prefix):
		e.fault(name, "The token in this environment variable does not begin with "+prefix,
			"Two tokens may have changed places. "+where+".")
	case strings.ContainsAny(value, " \t\r\n\""):
		e.fault(name, "The token in this environment variable holds spaces or quotes",
			"Copy it again, the token alone.")
	}
	return value
}

func (e *environment) slackAPIURL() string {
	value := e.get(EnvSlackAPIURL)
	if value == "" {
		return ""
	}
	u, err := url.Parse(value)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" ||
		u.Fragment != "" {
		e.fault(EnvSlackAPIURL, "This environment variable is not an http or https address",
			"Set it to the simulator's address, such as http://127.0.0.1:8888/api/, or unset it to use Slack itself.")
		return value
	}
	return strings.TrimRight(value, "/") + "/"
}

func (e *environment) redisURL() string {
	name := e.cfg.Redis.URLEnv
	if !variableName.MatchString(name) || e.cfg.marks.unread("redis.url_env") {
		return ""
	}
	value := e.get(name)
	if value == "" {
		if e.cfg.marks.given("redis.url_env") && name != EnvRedisURL {
			// a fault for all commands: without it they would look at another record
			at := e.cfg.marks.at("redis.url_env")
			e.faults = append(e.faults, Fault{Line: at.line, Column: at.column, Field: "redis.url_env",
				Value:   show(name),
				Problem: "names an environment variable that is not set, or is empty",
				Cure:    "Set it to the server's address, or leave url_env out: then REDIS_URL is used, or what the file says."})
		}
		return ""
	}
	if problem := redisURLProblem(value, e.cfg.Redis); problem != "" {
		e.fault(name, "The address in this environment variable "+problem, redisURLCure)
	}
	return value
}

// quotes are the marks that people and word processors put around a value.
const quotes = "\"'`“”„‟‘’‚‛«»‹›"

// quoted reports whether a value begins with a quote, of any kind.
func quoted(value string) bool {
	first, _ := utf8.DecodeRuneInString(value)
	return value != "" && strings.ContainsRune(quotes, first)
}

// sealKeyBytes is what package store wants; fewestBytes tells a key from something made up.
const (
	sealKeyBytes = 32
	fewestBytes  = 8
)

const sealKeyCure = "Make one with: openssl rand -base64 32. Several are separated by commas; the first seals."

// sealKeys reads the keys; a malformed one is a fault, never a key left out.
func (e *environment) sealKeys() [][]byte {
	value := e.get(EnvSealKey)
	if value == "" {
		return nil
	}
	var keys [][]byte
	for i, text := range strings.Split(value, ",") {
		key, problem := sealKey(strings.TrimSpace(text))
		for j, other := range keys {
			if problem == "" && bytes.Equal(key, other) {
				problem = fmt.Sprintf("is the same as key %d", j+1)
			}
		}
		if problem != "" {
			e.fault(EnvSealKey, fmt.Sprintf("Key %d in this environment variable %s", i+1, problem), sealKeyCure)
		}
		keys = append(keys, key)
	}
	return keys
}

func sealKey(text string) (key []byte, problem string) {
	if text == "" {
		return nil, "is empty"
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		key, err = base64.RawStdEncoding.DecodeString(text)
	}
	switch {
	case err != nil:
		return nil, "is not base64"
	case len(key) != sealKeyBytes:
		return key, fmt.Sprintf("has %d bytes; 32 are needed", len(key))
	}
	different := map[byte]bool{}
	for _, b := range key {
		different[b] = true
	}
	if len(different) < fewestBytes {
		return key, "is not random"
	}
	return key, ""
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// accountToken reads the variable that the file names. A name that is none is told by the rules of the file.
func (e *environment) accountToken(path, name, key string) {
	if name == "" || !variableName.MatchString(name) || e.cfg.marks.unread(path) {
		return
	}
	value := e.get(name)
	refuse := func(problem, cure string) {
		at := e.cfg.marks.at(path)
		e.faults = append(e.faults, Fault{Line: at.line, Column: at.column, Field: path, Value: show(name),
			Environment: true, Problem: problem, Cure: cure})
	}
	switch {
	case value == "":
		refuse("names an environment variable that is not set, or is empty",
			"Set it to the account's API token, or leave token_env empty: then people do the steps and say so.")
		return
	case quoted(value):
		refuse("names an environment variable whose token stands in quotes, which became a part of it",
			"Set it without them: a file for docker --env-file or systemd takes everything after the = as it stands.")
		return
	case strings.ContainsAny(value, " \t\r\n"+quotes):
		refuse("names an environment variable whose token holds spaces or quotes", "Copy it again, the token alone.")
		return
	}
	e.cfg.Secrets.AccountTokens[key] = value
}

// named reads the variable that the file names at path for a secret, and tells when it is not set.
func (e *environment) named(path, name, problemCure string) string {
	if name == "" || !variableName.MatchString(name) || e.cfg.marks.unread(path) {
		return ""
	}
	value := e.get(name)
	if value == "" {
		e.namedFault(path, name, "names an environment variable that is not set, or is empty", problemCure)
	}
	return value
}

// namedFault is about the content of a variable that the file names; the content itself is never shown.
func (e *environment) namedFault(path, name, problem, cure string) {
	at := e.cfg.marks.at(path)
	e.faults = append(e.faults, Fault{
		Line: at.line, Column: at.column, Field: path, Value: show(name), Environment: true, Problem: problem,
		Cure: cure,
	})
}

const mailCure = "Set it to smtps://user:password@host:465, or to smtp://user:password@host:587 for STARTTLS, " +
	"with signs of the password as %40 and the like; or leave url_env empty: then people say in a drill what they can read."

// mailURL reads where letters are sent. Whether plain text is offered only shows when it is tried; that a host other
// than this one is never spoken to in plain text is for the sender to see to.
func (e *environment) mailURL() {
	path, name := "mail.url_env", e.cfg.Mail.URLEnv
	value := e.named(path, name, mailCure)
	if value == "" {
		return
	}
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "":
		e.namedFault(path, name, "names a variable that holds no smtp or smtps address", mailCure)
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		e.namedFault(path, name, "names a variable whose address is more than scheme, user, password, host and port",
			mailCure)
	default:
		e.cfg.Secrets.MailURL = value
	}
}

func (e *environment) alarmWebhook() {
	path, name := "alarm.webhook_env", e.cfg.Alarm.WebhookEnv
	const cure = "Set it to an https address that takes a POST of JSON, or leave webhook_env empty."
	if value := e.named(path, name, cure); value != "" {
		u, err := url.Parse(value)
		switch {
		case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
			e.namedFault(path, name, "names a variable that holds no https address", cure)
		case u.Scheme == "http" && !loopback(u.Hostname()):
			e.namedFault(path, name,
				"names a variable with an http address: an alarm would cross the network in plain text", cure)
		default:
			e.cfg.Secrets.AlarmWebhook = value
		}
	}
	e.cfg.Secrets.AlarmSecret = e.named("alarm.webhook_secret_env", e.cfg.Alarm.WebhookSecretEnv,
		"Set it to a long random text that the receiver knows too, or leave webhook_secret_env empty: then it is not signed.")
}

// loopback says whether a host is this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
