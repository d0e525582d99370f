package post

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// SignatureHeader carries "sha256=" and the HMAC-SHA-256 of the body in hexadecimal, with the secret
// of alarm.webhook_secret_env.
const SignatureHeader = "X-Keyholder-Signature"

// hookAlarm is the JSON that a webhook gets. Fields may be added; schema grows when one changes its
// meaning.
type hookAlarm struct {
	Schema   int      `json:"schema"`
	ID       string   `json:"id"` // the same alarm, sent twice, has the same
	Kind     string   `json:"kind"`
	Account  string   `json:"account"`
	Workflow string   `json:"workflow"`
	At       string   `json:"at"` // RFC 3339, UTC
	Text     string   `json:"text"`
	Steps    []string `json:"steps"`
}

// alarmHook posts an alarm to the URL of the configuration.
func (p *Post) alarmHook(ctx context.Context, id string, a workflows.Alarm) workflows.Outcome {
	if p.o.Webhook == "" {
		return refused(errors.New("no webhook for alarms is configured"))
	}
	steps := a.Steps
	if steps == nil {
		steps = []string{}
	}
	body, err := json.Marshal(hookAlarm{Schema: 1, ID: id, Kind: a.Kind, Account: a.Account, Workflow: a.Workflow,
		At: a.At.UTC().Format(time.RFC3339), Text: a.Text, Steps: steps})
	if err != nil {
		return refused(fmt.Errorf("encode the alarm: %w", err))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.o.Webhook, bytes.NewReader(body))
	if err != nil {
		return refused(errors.New("the webhook's address is none"))
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Keyholder")
	if p.o.WebhookSecret != "" {
		req.Header.Set(SignatureHeader, Sign(p.o.WebhookSecret, body))
	}
	resp, err := p.http.Do(req)
	if err != nil { // the error quotes the address, which is a secret
		return workflows.Outcome{Again: true, Err: errors.New("the webhook could not be reached, or broke off")}
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	said := errors.New("the webhook answered " + strconv.Itoa(resp.StatusCode))
	switch code := resp.StatusCode; {
	case code >= 200 && code < 300:
		return done(workflows.Receipt{})
	case code == http.StatusTooManyRequests:
		return workflows.Outcome{Again: true, Limited: true, After: retryAfter(resp.Header.Get("Retry-After"),
			p.o.Now()), Err: said}
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code >= 500:
		return workflows.Outcome{Again: true, Err: said}
	}
	return refused(said)
}

// Sign is the value of [SignatureHeader] for a body.
func Sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// maxRetryAfter is the longest that a webhook may ask to be left alone.
const maxRetryAfter = time.Hour

// retryAfter reads seconds or an HTTP date (RFC 9110, 10.2.3); anything else is a second.
func retryAfter(s string, now time.Time) time.Duration {
	wait := time.Second
	if n, err := strconv.Atoi(s); err == nil {
		wait = time.Duration(min(n, int(maxRetryAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(s); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, time.Second), maxRetryAfter)
}
