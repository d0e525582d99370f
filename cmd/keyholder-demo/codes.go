package main

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"
)

// codeFor is for how long an authenticator app shows a code.
const codeFor = 30 * time.Second

// appShows is what an authenticator app with that secret shows so many steps from now, by the real time: phones know no
// other.
func appShows(secret string, steps int) (string, error) {
	return totp.GenerateCode(strings.Join(strings.Fields(secret), ""), time.Now().Add(time.Duration(steps)*codeFor))
}

// codeLeft is for how long an app still shows the present code.
func codeLeft() time.Duration { return codeFor - time.Duration(time.Now().UnixNano())%codeFor }

// authenticatorApp is the panel's own app: it shows the code for a secret, for those who have no phone at hand.
func (d *demo) authenticatorApp(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Secret string `json:"secret"`
	}
	if !readJSON(w, r, &body) {
		return
	}
	code, err := appShows(body.Secret, 0)
	if err != nil || strings.TrimSpace(body.Secret) == "" {
		writeJSON(w, http.StatusUnprocessableEntity, map[string]string{
			"error": "that is not a key as the form of /io step-up shows it"})
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"code": code, "left": fmt.Sprint(int(codeLeft() / time.Second))})
}
