// Package slack tells of escalations in a Slack channel, through an incoming
// webhook or as a bot.
//
// A bot keeps one message for each alert: it changes the message when the alert is
// cleared, retracted, acknowledged or snoozed, and puts what follows in a
// conversation into the thread of its first message. Buttons pressed come back
// through Socket Mode or to an HTTP endpoint, with Slack's signature.
//
// A webhook can only post. It is posted to with net/http and takes only the
// message types from slack-go: that library's PostWebhook drops the word with which
// Slack explains a refusal, knows Retry-After for 429 alone, and its errors repeat
// the address, which is the secret.
//
// Names are shown as they are: in rich text, which Slack does not parse for
// mentions, links or formatting, and escaped in the text of the notification.
//
// Reads: interactions from Slack.
// Writes: Slack.
package slack
