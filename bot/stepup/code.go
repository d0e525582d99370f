package stepup

import (
	"bytes"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"strconv"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"github.com/keyholder/keyholder/workflows"
)

const (
	// codeStep is for how long an app shows a code, codeSkew how many steps a phone's clock may be away, each way.
	// Source: RFC 6238, 5.2.
	codeStep = 30 * time.Second
	codeSkew = 1
	// secretBytes is how long a secret is: as long as the hash. Source: RFC 4226, 4, R6.
	secretBytes = 20
	// EnrolWithin is how long a fresh secret waits to be shown to work.
	EnrolWithin = 15 * time.Minute
	// pictureSize of a QR picture, in pixels.
	pictureSize = 320
)

// codeOptions are those that every authenticator app takes, whatever it makes of what an address says besides.
var codeOptions = totp.ValidateOpts{Period: uint(codeStep / time.Second), Digits: otp.DigitsSix,
	Algorithm: otp.AlgorithmSHA1}

// CodeOptions are what one-time codes need. All are required but Now.
type CodeOptions struct {
	// Keys seal secrets: the first does, all open.
	Keys [][]byte
	// MaxAge is for how long one code serves.
	MaxAge time.Duration
	// Issuer is what an app calls the entry, before the person.
	Issuer string
	// Now is this machine's clock, by which codes go; nil: time.Now.
	Now func() time.Time
}

// Codes are one-time codes of authenticator apps (TOTP, RFC 6238). It is safe for concurrent use. What was used and
// how often somebody was wrong is not here but in the record, for all replicas and after every restart.
type Codes struct{ o CodeOptions }

// NewCodes makes it.
func NewCodes(o CodeOptions) *Codes {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Codes{o}
}

// MaxAge is for how long one code serves.
func (c *Codes) MaxAge() time.Duration { return c.o.MaxAge }

// Now is the clock by which codes go.
func (c *Codes) Now() time.Time { return c.o.Now() }

// Fresh is a secret that somebody is to put into their app. All of it but Sealed is for their eyes alone.
type Fresh struct {
	// Secret is to be typed, in groups of four; Picture the same as a QR picture, in PNG.
	Secret  string
	Picture []byte
	// Sealed opens for that person only, until EnrolWithin is over.
	Sealed string
}

// fresh is a secret that waits to be shown to work, as it is sealed.
type fresh struct {
	Secret string            `json:"secret"`
	Proof  *workflows.StepUp `json:"proof,omitempty"`
}

// Fresh makes a secret for somebody. proof is how they have shown who they are before, nil where they have not: it
// travels with the secret, for a proof is known to the process alone that asked for it.
func (c *Codes) Fresh(who workflows.Person, proof *workflows.StepUp) (Fresh, error) {
	name := who.Email
	if name == "" {
		name = who.ID
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: c.o.Issuer, AccountName: name, SecretSize: secretBytes,
		Period: codeOptions.Period,
		Digits: codeOptions.Digits, Algorithm: codeOptions.Algorithm})
	if err != nil {
		return Fresh{}, fmt.Errorf("make a secret: %w", err)
	}
	picture, err := key.Image(pictureSize, pictureSize)
	if err != nil {
		return Fresh{}, fmt.Errorf("draw a secret: %w", err)
	}
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		return Fresh{}, fmt.Errorf("draw a secret: %w", err)
	}
	ends := strconv.FormatInt(c.o.Now().Add(EnrolWithin).Unix(), 36)
	plain, err := json.Marshal(fresh{key.Secret(), proof})
	if err != nil {
		return Fresh{}, fmt.Errorf("encode a secret: %w", err)
	}
	box, err := c.seal(string(plain), pending(who, ends))
	return Fresh{Secret: grouped(key.Secret()), Picture: out.Bytes(), Sealed: ends + "." + box}, err
}

// grouped is a secret as people type it.
func grouped(secret string) string {
	var groups []string
	for len(secret) > 4 {
		groups, secret = append(groups, secret[:4]), secret[4:]
	}
	return strings.Join(append(groups, secret), " ")
}

// Errors of a sealed secret.
var (
	// ErrUnsealed: no key opens it, for this person.
	ErrUnsealed = errors.New("the sealed secret opens with none of the keys")
	// ErrTooLate: it waited for too long.
	ErrTooLate = errors.New("the fresh secret was not used in time")
)

// Shown looks whether a code is one of a fresh secret, which shows that the app has it. It answers the secret sealed to
// be kept, the step of the code, zero: it is none, and the proof of [Codes.Fresh]. Errors: [ErrUnsealed], [ErrTooLate].
func (c *Codes) Shown(sealed string, who workflows.Person, code string) (kept string, step int64,
	proof *workflows.StepUp, err error) {
	ends, box, _ := strings.Cut(sealed, ".")
	plain, err := c.open(box, pending(who, ends))
	if err != nil {
		return "", 0, nil, err
	}
	if until, err := strconv.ParseInt(ends, 36, 64); err != nil || c.o.Now().Unix() > until {
		return "", 0, nil, ErrTooLate
	}
	var f fresh
	if json.Unmarshal([]byte(plain), &f) != nil {
		return "", 0, nil, ErrUnsealed
	}
	if step, err = c.step(f.Secret, code); err != nil || step == 0 {
		return "", 0, nil, err
	}
	kept, err = c.seal(f.Secret, keeping(who))
	return kept, step, f.Proof, err
}

// Step looks whose step of time a code is, by a secret that was kept; zero: of none that is allowed now. Errors:
// [ErrUnsealed].
func (c *Codes) Step(kept string, who workflows.Person, code string) (int64, error) {
	secret, err := c.open(kept, keeping(who))
	if err != nil {
		return 0, err
	}
	return c.step(secret, code)
}

// step compares with each step that is allowed, the latest first, in the same time whatever the code.
func (c *Codes) step(secret, code string) (int64, error) {
	code = strings.Join(strings.Fields(code), "")
	now, found := c.o.Now(), int64(0)
	for skew := codeSkew; skew >= -codeSkew; skew-- {
		at := now.Add(time.Duration(skew) * codeStep)
		want, err := totp.GenerateCodeCustom(secret, at, codeOptions)
		if err != nil {
			return 0, fmt.Errorf("make a code: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && found == 0 {
			found = at.Unix() / int64(codeStep/time.Second)
		}
	}
	return found, nil
}

// Reseal seals a kept secret with the first key; the same comes back where it was already. Errors: [ErrUnsealed].
func (c *Codes) Reseal(kept string, who workflows.Person) (string, error) {
	if len(c.o.Keys) > 0 {
		if _, err := unbox(c.o.Keys[0], kept, keeping(who)); err == nil {
			return kept, nil
		}
	}
	secret, err := c.open(kept, keeping(who))
	if err != nil {
		return "", err
	}
	return c.seal(secret, keeping(who))
}

// Proof is what a right code proves.
func (c *Codes) Proof(used time.Time) workflows.StepUp {
	return workflows.StepUp{Issuer: workflows.ByCode, AuthTime: used.UTC(), Methods: []string{"otp"}}
}

// pending and keeping bind what is sealed to one person and one use: what is sealed for one opens for no other.
func pending(who workflows.Person, ends string) string {
	return "pending\x00" + who.Team + "\x00" + who.ID + "\x00" + ends
}

func keeping(who workflows.Person) string { return "kept\x00" + who.Team + "\x00" + who.ID }

var boxed = base64.RawURLEncoding
