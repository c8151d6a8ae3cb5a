/*
 * The moment behind the lock of a pin, held still: a swap takes place in it. The linker
 * sends the unlocking of mutexes here (--wrap), so that it happens in every run and not
 * once in a million.
 */
#include "gate/snapshot.h"

#include <check.h>
#include <pthread.h>

int __real_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);

static struct nm_slot *slot_to_swap; /* at the next unlock; NULL: no swap */
static struct nm_snapshot *swapped_in;

int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    struct nm_slot *slot = slot_to_swap;
    const int status = __real_pthread_mutex_unlock(mutex);

    slot_to_swap = NULL;
    if (slot != NULL)
        nm_slot_swap(slot, swapped_in);
    return status;
}

static struct nm_snapshot *snapshot_of(const char *gateway)
{
    struct nm_snapshot_values values = {.mode = NM_MODE_ENFORCE};
    struct nm_snapshot *snapshot = NULL;

    (void)nm_copy(values.gateway, sizeof values.gateway, gateway);
    ck_assert_int_eq(nm_snapshot_new(&values, &snapshot), NM_OK);
    return snapshot;
}

START_TEST(test_slot__a_swap_right_behind_the_lock_leaves_the_pinned_one_alive)
{
    struct nm_slot *slot = NULL;
    struct nm_snapshot *pinned;

    ck_assert_int_eq(nm_slot_new(snapshot_of("old"), &slot), NM_OK);
    swapped_in = snapshot_of("new");
    slot_to_swap = slot;
    pinned = nm_slot_pin(slot);
    ck_assert_str_eq(nm_snapshot_values(pinned)->gateway, "old");
    ck_assert_uint_eq(nm_snapshot_references(pinned), 1);
    nm_snapshot_release(&pinned);
    pinned = nm_slot_pin(slot);
    ck_assert_str_eq(nm_snapshot_values(pinned)->gateway, "new");
    nm_snapshot_release(&pinned);
    nm_slot_free(&slot);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gate");
    TCase *cases = tcase_create("pin");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(
        cases, test_slot__a_swap_right_behind_the_lock_leaves_the_pinned_one_alive);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
