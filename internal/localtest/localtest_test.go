package localtest_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"unpark/internal/localtest"
)

func TestMain(m *testing.M) { os.Exit(localtest.Main(m)) }

func TestKafkaHasTransactionVersion2(t *testing.T) {
	addr := localtest.SharedKafka(t)
	if got := transactionVersion(t, addr); got != 2 {
		t.Errorf("transaction.version = %d, want 2", got)
	}
	if again := localtest.SharedKafka(t); again != addr {
		t.Errorf("a second broker %s was started beside %s", again, addr)
	}
}

func TestKafkaKeepsDataOverCrash(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	s, err := localtest.StartKafka(localtest.Dir(t.TempDir()), localtest.TransactionVersion(0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if got := transactionVersion(t, s.Addr); got != 0 {
		t.Errorf("transaction.version = %d, want 0", got)
	}

	cl := kafkaClient(t, s.Addr)
	if _, err := kadm.NewClient(cl).CreateTopic(t.Context(), 1, 1, nil, "kept"); err != nil {
		t.Fatal(err)
	}
	if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: "kept", Value: []byte("v")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	s.Kill()
	if c, err := net.Dial("tcp", s.Addr); err == nil {
		c.Close()
		t.Fatal("the killed broker still listens")
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	cl = kafkaClient(t, s.Addr, kgo.ConsumeTopics("kept"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if fs := cl.PollFetches(ctx); fs.Err() != nil || fs.NumRecords() != 1 {
		t.Errorf("read %d records, error %v; want the one that was produced", fs.NumRecords(), fs.Err())
	}
}

func TestElasticMQMovesToDeadLetters(t *testing.T) {
	endpoint := localtest.SharedElasticMQ(t)
	cl := sqs.New(sqs.Options{BaseEndpoint: &endpoint, Region: localtest.Region, Credentials: anyone})
	url := localtest.QueueURL(endpoint, localtest.Queue)
	if _, err := cl.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("poison")}); err != nil {
		t.Fatal(err)
	}
	for i := range localtest.MaxReceives {
		m := receive(t, cl, url)
		if _, err := cl.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{
			QueueUrl: &url, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 0,
		}); err != nil {
			t.Fatalf("give back after receive %d: %v", i+1, err)
		}
	}
	out, err := cl.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url})
	if err != nil || len(out.Messages) != 0 {
		t.Fatalf("receive %d: %d messages, error %v; want none", localtest.MaxReceives+1, len(out.Messages), err)
	}
	if m := receive(t, cl, localtest.QueueURL(endpoint, localtest.DeadLetterQueue)); *m.Body != "poison" {
		t.Errorf("dead letter = %q, want poison", *m.Body)
	}

	url = localtest.QueueURL(endpoint, localtest.PlainQueue)
	attrs, err := cl.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll},
	})
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := attrs.Attributes["RedrivePolicy"]; ok {
		t.Errorf("%s has redrive policy %s, want none", localtest.PlainQueue, p)
	}
}

func TestMotoDeliversEventsToQueue(t *testing.T) {
	endpoint := localtest.Moto(t)
	queue := sqs.New(sqs.Options{BaseEndpoint: &endpoint, Region: localtest.Region, Credentials: anyone})
	bus := eventbridge.New(eventbridge.Options{BaseEndpoint: &endpoint, Region: localtest.Region, Credentials: anyone})

	created, err := queue.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("genesys")})
	if err != nil {
		t.Fatal(err)
	}
	attrs, err := queue.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: created.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameQueueArn},
	})
	if err != nil {
		t.Fatal(err)
	}
	name := aws.String("genesys-bus")
	if _, err := bus.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: name}); err != nil {
		t.Fatal(err)
	}
	if _, err := bus.PutRule(t.Context(), &eventbridge.PutRuleInput{
		Name: aws.String("all"), EventBusName: name, EventPattern: aws.String(`{"source":[{"prefix":"aws.partner/genesys"}]}`),
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := bus.PutTargets(t.Context(), &eventbridge.PutTargetsInput{
		Rule: aws.String("all"), EventBusName: name,
		Targets: []ebtypes.Target{{Id: aws.String("queue"), Arn: aws.String(attrs.Attributes["QueueArn"])}},
	}); err != nil {
		t.Fatal(err)
	}
	put, err := bus.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{{
		EventBusName: name, Source: aws.String("aws.partner/genesys.com/cloud/org/bus"),
		DetailType: aws.String("v2.detail.events.conversation.{id}.customer.start"), Detail: aws.String(`{"topicName":"t"}`),
	}}})
	if err != nil || put.FailedEntryCount != 0 {
		t.Fatalf("put events: %+v, error %v", put, err)
	}
	if body := *receive(t, queue, *created.QueueUrl).Body; !strings.Contains(body, `"detail-type"`) || !strings.Contains(body, `{"topicName"`) {
		t.Errorf("received %s, want an EventBridge envelope", body)
	}
}

var anyone = credentials.NewStaticCredentialsProvider("key", "secret", "")

func receive(t *testing.T, cl *sqs.Client, url string) sqstypes.Message {
	t.Helper()
	out, err := cl.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 10})
	if err != nil {
		t.Fatalf("receive from %s: %v", url, err)
	}
	if len(out.Messages) != 1 {
		t.Fatalf("received %d messages from %s, want 1", len(out.Messages), url)
	}
	return out.Messages[0]
}

func kafkaClient(t *testing.T, addr string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append(opts, kgo.SeedBrokers(addr))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func transactionVersion(t *testing.T, addr string) int16 {
	t.Helper()
	version, err := finalized(t.Context(), kafkaClient(t, addr), "transaction.version")
	if err != nil {
		t.Fatal(err)
	}
	return version
}

// finalized returns a feature's level in the cluster, 0 if it is off.
func finalized(ctx context.Context, cl *kgo.Client, feature string) (int16, error) {
	resp, err := cl.Request(ctx, kmsg.NewPtrApiVersionsRequest())
	if err != nil {
		return 0, fmt.Errorf("ask for the broker's features: %w", err)
	}
	v, ok := resp.(*kmsg.ApiVersionsResponse)
	if !ok {
		return 0, errors.New("the broker answered something else")
	}
	for _, f := range v.FinalizedFeatures {
		if f.Name == feature {
			return f.MaxVersionLevel, nil
		}
	}
	return 0, nil
}
