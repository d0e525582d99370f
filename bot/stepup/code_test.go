package stepup_test

import (
	"bytes"
	"encoding/base32"
	"errors"
	"image/png"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/keyholder/keyholder/bot/stepup"
	"github.com/keyholder/keyholder/workflows"
)

var monday = time.Date(2026, 11, 23, 9, 14, 5, 0, time.UTC)

func keyOf(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

// shownBefore is a proof by which somebody sets an app up.
var shownBefore = workflows.StepUp{Issuer: "https://login.acme.example", Subject: "ab12", AuthTime: monday,
	Methods: []string{"hwk"}, Class: "phr"}

// codes at a time, with keys.
func codesAt(at *time.Time, keys ...[]byte) *stepup.Codes {
	return stepup.NewCodes(stepup.CodeOptions{Keys: keys, MaxAge: 10 * time.Minute, Issuer: "Keyholder",
		Now: func() time.Time { return *at }})
}

// shows is what an app with that secret shows at a time.
func shows(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	code, err := totp.GenerateCode(strings.ReplaceAll(secret, " ", ""), at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// enrolled is a secret that was shown to work, and what is kept of it.
func enrolled(t *testing.T, c *stepup.Codes, who workflows.Person) (secret, kept string) {
	t.Helper()
	fresh, err := c.Fresh(who, nil)
	if err != nil {
		t.Fatal(err)
	}
	kept, step, _, err := c.Shown(fresh.Sealed, who, shows(t, fresh.Secret, c.Now()))
	if err != nil || step != c.Now().Unix()/30 {
		t.Fatalf("step %d, %v", step, err)
	}
	return fresh.Secret, kept
}

func TestACodeIsTakenOneStepEachWayAndNoFurther(t *testing.T) {
	now := monday
	c := codesAt(&now, keyOf(1))
	secret, kept := enrolled(t, c, ana)
	this := now.Unix() / 30
	for away, good := range map[int64]bool{-3: false, -2: false, -1: true, 0: true, 1: true, 2: false, 3: false} {
		code := shows(t, secret, now.Add(time.Duration(away)*30*time.Second))
		step, err := c.Step(kept, ana, code[:3]+" "+code[3:])
		if want := map[bool]int64{true: this + away}[good]; err != nil || step != want {
			t.Errorf("%d steps away: step %d, want %d (%v)", away, step, want, err)
		}
	}
	for _, none := range []string{"", "12345", "1234567", "abcdef", "١٢٣٤٥٦"} {
		if step, err := c.Step(kept, ana, none); step != 0 || err != nil {
			t.Errorf("%q: step %d, %v", none, step, err)
		}
	}
}

// The codes are those of RFC 6238, appendix B, cut to six digits as every app shows them.
func TestCodesAreThoseOfTheStandard(t *testing.T) {
	secret := base32.StdEncoding.EncodeToString([]byte("12345678901234567890"))
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471",
		1234567890: "005924", 2000000000: "279037"} {
		if got := shows(t, secret, time.Unix(at, 0)); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
}

func TestASecretOpensForItsPersonAndUseAlone(t *testing.T) {
	now := monday
	c := codesAt(&now, keyOf(1))
	secret, kept := enrolled(t, c, ana)
	code := shows(t, secret, now)
	ben := ana
	ben.ID = "U0BEN"
	elsewhere := ana
	elsewhere.Team = "T0OTHER"
	for name, who := range map[string]workflows.Person{"another person": ben, "another workspace": elsewhere} {
		if _, err := c.Step(kept, who, code); !errors.Is(err, stepup.ErrUnsealed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	fresh, err := c.Fresh(ana, &shownBefore)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := c.Shown(fresh.Sealed, ben, shows(t, fresh.Secret, now)); !errors.Is(err, stepup.ErrUnsealed) {
		t.Errorf("a fresh secret of another: %v", err)
	}
	if _, err := c.Step(fresh.Sealed, ana, code); !errors.Is(err, stepup.ErrUnsealed) {
		t.Errorf("a fresh secret as a kept one: %v", err)
	}
	if _, _, _, err := c.Shown(kept, ana, code); !errors.Is(err, stepup.ErrUnsealed) {
		t.Errorf("a kept secret as a fresh one: %v", err)
	}
	_, box, _ := strings.Cut(fresh.Sealed, ".")
	if _, _, _, err := c.Shown("zzzzzz."+box, ana, shows(t, fresh.Secret, now)); !errors.Is(err, stepup.ErrUnsealed) {
		t.Errorf("with a later end: %v", err)
	}
	if _, step, _, err := c.Shown(fresh.Sealed, ana, code); step != 0 || err != nil {
		t.Errorf("a code of her other secret: %d, %v", step, err)
	}
	// How she showed who she is travels along: the answer may reach another process.
	if _, step, proof, err := codesAt(&now, keyOf(1)).Shown(fresh.Sealed, ana,
		shows(t, fresh.Secret, now)); step == 0 ||
		err != nil || proof == nil || !reflect.DeepEqual(*proof, shownBefore) {
		t.Errorf("step %d, %+v, %v", step, proof, err)
	}
	now = now.Add(stepup.EnrolWithin + time.Second)
	if _, _, _, err := c.Shown(fresh.Sealed, ana, shows(t, fresh.Secret, now)); !errors.Is(err, stepup.ErrTooLate) {
		t.Errorf("too late: %v", err)
	}
	if strings.Contains(kept+fresh.Sealed, strings.ReplaceAll(fresh.Secret, " ", "")) {
		t.Error("the secret stands in what is sealed")
	}
}

func TestAKeyMayRotateAndALostOneIsNoticed(t *testing.T) {
	now := monday
	before := codesAt(&now, keyOf(1))
	secret, kept := enrolled(t, before, ana)
	code := shows(t, secret, now)
	both := codesAt(&now, keyOf(2), keyOf(1))
	if step, err := both.Step(kept, ana, code); err != nil || step == 0 {
		t.Fatalf("with the old key second: %d, %v", step, err)
	}
	again, err := both.Reseal(kept, ana)
	if err != nil || again == kept {
		t.Fatalf("not sealed anew: %v", err)
	}
	if same, err := both.Reseal(again, ana); err != nil || same != again {
		t.Errorf("sealed anew twice: %v", err)
	}
	after := codesAt(&now, keyOf(2))
	if step, err := after.Step(again, ana, code); err != nil || step == 0 {
		t.Errorf("with the new key alone: %d, %v", step, err)
	}
	if _, err := after.Step(kept, ana, code); !errors.Is(err, stepup.ErrUnsealed) {
		t.Errorf("the old key is gone: %v", err)
	}
	if _, err := codesAt(&now).Fresh(ana, nil); err == nil {
		t.Error("a secret was made without any key")
	}
}

func TestTheQRPictureIsOne(t *testing.T) {
	now := monday
	fresh, err := codesAt(&now, keyOf(1)).Fresh(ana, nil)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(fresh.Picture))
	if err != nil || picture.Bounds().Dx() < 200 {
		t.Fatalf("%v, %v", picture, err)
	}
	if len(strings.ReplaceAll(fresh.Secret, " ", "")) != 32 {
		t.Errorf("the secret has %d characters", len(fresh.Secret))
	}
}
