// Package slackapi is the one road to Slack's Web API: slack-go's client with our limits, who we
// are, and what to do about an error. Package bot and its roster share it. It may import slack-go
// and zerolog, and nothing of ours.
//
// # Guarantees
//
//   - Tokens go to Slack's own hosts alone (with another Web API configured, to that host as well),
//     and no redirect is followed.
//   - Answers are bounded, calls time out, and connections are not opened faster than Slack allows.
//   - What is told to metrics is of a fixed set, and errors can be made fit for a log ([Clean]).
//   - Nothing is retried here but one short 429, and only by those who ask for it ([RetryLimited]).
package slackapi
