package main

import (
	"fmt"
	"net"
	"strings"

	"github.com/keyholder/keyholder/bot/stepup/idpsim"
)

// shownClicks are those that a demo with proofs asks for: the votes that move the master key or make an
// administrator, and what leads around them.
var shownClicks = []string{"transfer.confirm", "recovery.approve", "access.approve:administrator", "delegate"}

const identityClient = "keyholder"

// identify gives the demo an identity provider, at an address of its own: it is another company's page. Its
// clock is the real one, as that of every protocol here.
func (d *demo) identify(listen string) error {
	var err error
	if d.identityListener, err = net.Listen("tcp", listen); err != nil {
		return fmt.Errorf("listen for the identity provider: %w", err)
	}
	o := idpsim.Options{Issuer: "http://" + d.identityListener.Addr().String(), ClientID: identityClient}
	for _, u := range people() {
		if u.Email != "" {
			o.People = append(o.People, idpsim.Person{Name: u.RealName, Email: u.Email})
		}
	}
	d.identity = idpsim.New(o)
	return nil
}

// demoSealKey seals the secrets of authenticator apps. A demo keeps nothing, so its key may be known.
const demoSealKey = "a2V5aG9sZGVyLWRlbW8ta2V5LW9mLTMyLWJ5dGVzIVo="

// proving is the configuration with the clicks that ask for a proof.
func (d *demo) proving(text string) string {
	if d.identity == nil && !d.codes {
		return text
	}
	const admins = "    admins: [U0DEE]\n"
	more := admins
	if d.codes { // an app is reset by two of them, neither of whom is its person
		more = "    admins: [U0DEE, U0CAT, U0JANE]\n"
	}
	text = strings.Replace(text, admins, more+"    step_up: ["+strings.Join(shownClicks, ", ")+"]\n", 1)
	var ways []string
	if d.identity != nil {
		ways = append(ways, fmt.Sprintf("issuer: %q, client_id: %s", "http://"+d.identityListener.Addr().String(),
			identityClient))
	}
	if d.codes {
		ways = append(ways, "totp: true")
	}
	return text + "step_up: {" + strings.Join(ways, ", ") + "}\n"
}
