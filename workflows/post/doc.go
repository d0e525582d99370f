// Package post brings what goes neither to Slack nor to integrator.io: the letter of a drill by mail,
// and alarms by mail and to a webhook.
//
// # Guarantees
//
//   - Mail goes over TLS: smtps, or STARTTLS that must succeed. Plain only to a loopback address.
//   - What the mail server or the webhook refuses for good (5xx of SMTP; 4xx of HTTP but for 408, 425 and
//     429) fails at once; all else is tried again as every effect is.
//   - A letter's words are drawn when it is sent, by crypto/rand, and kept by nobody: what is recorded is
//     a slow hash. Where a server takes a letter and breaks off before it says so, or this process dies
//     then, a second letter follows with other words, which says that the newer one counts.
//   - An alarm may come twice; it has the same id, and by mail the same Message-ID, both times.
//   - Neither address nor password of the mail server, nor the webhook's URL or secret, is in an error or a log.
//
// The package imports workflows, go-mail for SMTP, and net/http; it knows no machine and no store.
package post
