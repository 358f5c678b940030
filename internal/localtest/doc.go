// Package localtest starts the real counterparts that tests speak to: an Apache
// Kafka broker, ElasticMQ for SQS, moto for EventBridge. Each is a process on
// loopback with free ports and its data in a temporary folder; it is gone when
// the test ends, also when the test is killed (on Linux). What they are made of
// is fetched once by deploy/local/fetch.sh.
//
// Kafka, ElasticMQ and Moto start one for a test. A broker takes some seconds to
// start, so that a package with many tests shares one: SharedKafka and its kin
// start it when it is first asked for, and Main in TestMain ends it:
//
//	func TestMain(m *testing.M) { os.Exit(localtest.Main(m)) }
//
// Under -short all of them skip the test. A test that stops and starts a server,
// or wants other settings, uses StartKafka, or StartKafkaCluster for several
// nodes, and the methods of Server.
//
// Reads: nothing.
// Writes: nothing.
package localtest
