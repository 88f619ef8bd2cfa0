// Idempotent executions as a script does them: a result that Redis has is not asked for again, and a lock word keeps others away.
package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"
)

const kept = 24 * time.Hour

func main() {
	workers, err := strconv.Atoi(os.Args[4])
	if err != nil {
		log.Fatal(err)
	}
	file, err := os.Open(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConns: workers, MaxIdleConnsPerHost: workers}}
	store := &redis.Pool{MaxIdle: workers, Dial: func() (redis.Conn, error) { return redis.DialURL(os.Args[3]) }}
	work := make(chan []byte, workers)
	var group sync.WaitGroup
	for worker := 0; worker < workers; worker++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for record := range work {
				if err := once(client, store, os.Args[1], record); err != nil {
					log.Fatal(err)
				}
			}
		}()
	}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		work <- append([]byte(nil), lines.Bytes()...)
	}
	if err := lines.Err(); err != nil {
		log.Fatal(err)
	}
	close(work)
	group.Wait()
}

func once(client *http.Client, pool *redis.Pool, base string, record []byte) error {
	var payload bytes.Buffer
	if err := json.Compact(&payload, record); err != nil {
		return err
	}
	hash := sha256.Sum256(append([]byte("bench:"), payload.Bytes()...))
	key := hex.EncodeToString(hash[:])

	store := pool.Get()
	defer store.Close()
	if _, err := redis.Bytes(store.Do("GET", key)); err != redis.ErrNil {
		return err
	}
	if _, err := redis.String(store.Do("SET", key, "locked", "NX", "EX", int(kept.Seconds()))); err != nil {
		return err
	}
	result, err := execute(client, base, key, payload.Bytes())
	if err != nil {
		return err
	}
	_, err = store.Do("SET", key, result, "EX", int(kept.Seconds()))
	return err
}

func execute(client *http.Client, base, key string, payload []byte) ([]byte, error) {
	place := base + "/api/v2/integrations/dataactions/bench/execute"
	request, err := http.NewRequest("POST", place, bytes.NewReader(payload))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer sink")
	request.Header.Set("Idempotency-Key", key)
	answer, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		return nil, fmt.Errorf("status %d", answer.StatusCode)
	}
	return io.ReadAll(answer.Body)
}
