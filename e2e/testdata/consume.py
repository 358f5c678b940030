#!/usr/bin/env python3
"""Reads the escalations topic as somebody else's program does: with librdkafka,
read_committed, knowing only the JSON Schema and CloudEvents. Prints the id and
status of each record; says what is wrong with one on standard error and ends
with 1.

Usage: consume.py BROKER TOPIC SCHEMA
"""

import json
import sys
import uuid

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition
from jsonschema import Draft202012Validator


def headers(message):
    return {key: value.decode() for key, value in message.headers() or []}


def wrong(record, ce):
    """What the CloudEvents headers (Kafka protocol binding 1.0, binary mode) lack."""
    want = {
        "ce_specversion": "1.0",
        "ce_id": f"{record['id']}/{record['status']}",
        "ce_type": f"unpark.escalation.{record['status']}",
        "ce_source": f"unpark/{record['org']}",
        "ce_subject": record["conversation"],
        "ce_time": record["at"],
        "content-type": "application/json",
    }
    return {key: ce.get(key) for key, value in want.items() if ce.get(key) != value}


def records(broker, topic):
    """All records up to the end of each partition."""
    consumer = Consumer({
        "bootstrap.servers": broker,
        "group.id": f"foreign-{uuid.uuid4()}",
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
        "enable.auto.commit": False,
    })
    try:
        partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
        consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in partitions])
        left = set(partitions)
        while left:
            message = consumer.poll(30)
            if message is None:
                raise SystemExit(f"nothing came for 30 s; partitions {sorted(left)} have not ended")
            if not message.error():
                yield message
            elif message.error().code() == KafkaError._PARTITION_EOF:
                left.discard(message.partition())
            else:
                raise KafkaException(message.error())
    finally:
        consumer.close()


def main(broker, topic, schema_file):
    with open(schema_file, encoding="utf-8") as file:
        schema = json.load(file)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    bad = 0
    for message in records(broker, topic):
        at = f"{message.partition()}/{message.offset()}"
        try:
            record = json.loads(message.value())
            problems = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(record)]
            problems += [f"header {key}: {value}" for key, value in wrong(record, headers(message)).items()]
            if message.key().decode() != record["conversation"]:
                problems.append(f"key {message.key()}")
        except (ValueError, KeyError) as error:
            problems = [repr(error)]
        if problems:
            bad += 1
            print(f"{at}: {'; '.join(problems)}", file=sys.stderr)
        else:
            print(record["id"], record["status"])
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
