// Contact outcomes as a script does them: ten workers over one pool of connections.
package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"sync"
)

const workers = 10

type outcome struct {
	Category    string `json:"category"`
	Subcategory string `json:"subcategory"`
}

type body struct {
	Outcome outcome `json:"outcome"`
}

func main() {
	file, err := os.Open(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		log.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConns: workers, MaxIdleConnsPerHost: workers}}
	work := make(chan []string, workers)
	var group sync.WaitGroup
	for worker := 0; worker < workers; worker++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for row := range work {
				if err := send(client, os.Args[1], row); err != nil {
					log.Fatal(err)
				}
			}
		}()
	}
	for _, row := range rows[1:] {
		work <- row
	}
	close(work)
	group.Wait()
}

func send(client *http.Client, base string, row []string) error {
	text, err := json.Marshal(body{outcome{row[1], row[2]}})
	if err != nil {
		return err
	}
	place := base + "/api/v2/contacts/" + url.PathEscape(row[0])
	request, err := http.NewRequest("PUT", place, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer sink")
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		return fmt.Errorf("status %d", answer.StatusCode)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}
